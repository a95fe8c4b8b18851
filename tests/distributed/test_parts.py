"""Batches in parts: nothing is lost, nothing is read twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphflow as gf
from graphflow.distributed.parts import Cut, mean

NET = """
graphflow: 1
name: net
inputs: {x: [B, 3], y: {shape: [B], dtype: int}, mask: [3]}
nodes: {z: x * mask, total: mean(z)}
"""


@given(rows=st.integers(1, 40), parts=st.integers(1, 9))
def test_parts_are_even_and_make_up_the_whole(rows, parts):
    graph = gf.loads(NET).graph
    x = np.arange(rows * 3.0).reshape(rows, 3)
    batch = {"x": x, "y": np.arange(rows), "mask": np.ones(3)}
    cut = Cut.of(graph, batch, {"B": rows}, parts)
    found = [cut.part(batch, number) for number in range(cut.parts)]
    counts = [len(part["y"]) for part in found]
    assert cut.parts == min(rows, parts) and max(counts) - min(counts) <= 1 and min(counts) > 0
    assert sum(cut.weights) == pytest.approx(1)
    joined = cut.joined(found)
    for name, value in batch.items():
        np.testing.assert_array_equal(joined[name], value)


def test_a_mean_over_rows_is_the_weighted_mean_of_the_parts():
    graph = gf.loads(NET).graph
    x = np.random.default_rng(0).normal(size=(7, 3))
    cut = Cut.of(graph, {"x": x}, {"B": 7}, 3)
    parts = [{"total": cut.part({"x": x}, k)["x"].mean()} for k in range(3)]
    assert cut.joined(parts)["total"] == pytest.approx(x.mean())


@pytest.mark.parametrize(
    ("inputs", "state", "rows"),
    [
        ("{x: [B, 3]}", "{}", "B"),
        ("{x: [N, 3], y: [N]}", "{}", "N"),
        ("{x: [T, B], y: [T, B]}", "{}", "B"),
        ("{x: [T, N], y: [T, N]}", "{h: {shape: [N], init: zeros}}", "N"),
        ("{x: [N, T]}", "{}", "N"),
    ],
)
def test_rows_are_counted_by_the_symbol_that_most_leaves_have(inputs, state, rows):
    graph = gf.loads(
        f"{{graphflow: 1, name: f, inputs: {inputs}, state: {state}, nodes: {{z: 2 * x}}}}"
    ).graph
    sizes = {"B": 5, "N": 5, "T": 4}
    batch = {
        leaf.name: np.zeros([sizes.get(str(d), 3) for d in leaf.tensor.shape])
        for leaf in graph.leaves("input")
    }
    known = {name: size for name, size in sizes.items() if name in str(graph)}
    assert Cut.of(graph, batch, known, 2).symbol == rows


def test_sizes_that_are_numbers_are_no_rows():
    graph = gf.loads("{graphflow: 1, name: f, inputs: {x: [4, 3]}, nodes: {z: 2 * x}}").graph
    with pytest.raises(gf.GraphflowError, match=r"GF044.*x: float"):
        Cut.of(graph, {"x": np.zeros((4, 3))}, {}, 2)


def test_counters_stay_whole_numbers():
    found = mean([np.array(3), np.array(3)], [0.7, 0.3])
    assert found == 3 and found.dtype.kind == "i"
    assert mean([np.array(np.nan)] * 2, [0.5, 0.5]) != 0
