from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphflow.ir import DType, TensorType
from graphflow.ops import Builder, F
from graphflow.passes.pipeline import cse

F32 = DType.FLOAT32
VECTOR = TensorType(F32, (3,))


def test_equal_nodes_become_the_first_and_their_readers_follow():
    b = Builder()
    x, y = b.input("x", VECTOR), b.input("y", VECTOR)
    first, second = F.exp(x * y), F.exp(x * y)
    graph = replace(b.graph([(first + second).name]), aliases={"again": second.name})
    result = cse.rewritten(graph)
    assert [n.name for n in result.graph] == ["x", "y", "mul", "exp", "add"]
    assert result.graph["add"].inputs == ("exp", "exp")
    assert result.graph.aliases == {"again": "exp", "mul2": "mul", "exp2": "exp"}
    assert result.fired == {"merge_equal": 2}


def test_operands_of_a_sum_may_be_swapped_but_not_of_a_difference():
    b = Builder()
    x, y = b.input("x", VECTOR), b.input("y", VECTOR)
    for op in ("add", "mul", "sub", "maximum"):
        b.add(op, x, y), b.add(op, y, x)
    graph = cse(b.graph(list(b.nodes)))
    assert [n.op for n in graph][2:] == ["add", "mul", "sub", "sub", "maximum", "maximum"]


def test_attributes_count():
    b = Builder()
    x = b.input("x", TensorType(F32, (2, 2)))
    sums = [F.sum(x, axis=0), F.sum(x, axis=1), F.sum(x, axis=0, keepdims=True), F.sum(x, axis=0)]
    assert len(cse(b.graph([s.name for s in sums]))) == 4


def test_leaves_are_never_merged():
    b = Builder()
    for name in ("a", "b"):
        b.leaf("parameter", name, VECTOR)
    graph = b.graph(["a", "b"])
    assert cse(graph) is graph


def test_draws_of_different_streams_stay():
    b = Builder()
    draws = [b.add("uniform", b.rng(), shape=(3,), dtype=F32) for _ in range(2)]
    graph = b.graph([d.name for d in draws])
    assert cse(graph) is graph


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [(0.0, -0.0, 2), (0.0, 0, 1), (1.0, True, 1), (2.0, 3.0, 2), (float("nan"), 1.0, 2)],
)
def test_numbers_that_compare_equal_but_are_not(one, other, count):
    b = Builder()
    names = [b.constant(v, F32).name for v in (one, other)]
    names += [b.add("full", shape=(2,), value=v, dtype=F32).name for v in (one, other)]
    assert len(cse(b.graph(names))) == 2 * count


def test_number_types_count():
    b = Builder()
    names = [b.constant(1, dtype).name for dtype in (F32, DType.FLOAT64, DType.INT64)]
    names += [b.constant(np.ones(2, d), DType.FLOAT64).name for d in (np.float32, np.float64)]
    assert len(cse(b.graph(names))) == 5


def scans(*factors: float) -> Builder:
    b = Builder()
    start = b.input("start", TensorType(F32))
    for factor in factors:
        inside = Builder()
        h = inside.input("h", TensorType(F32))
        body = inside.graph([F.add(h * factor, h * factor).name])
        b.add("scan", start, body=body, carries=1, sequences=0, length=3).item(0)
    return b


def test_inside_regions_and_regions_themselves():
    b = scans(2.0, 2.0, 3.0, 0.0, -0.0)
    graph = cse(b.graph([n for n in b.nodes if n.startswith("item")]))
    loops = [node for node in graph if node.op == "scan"]
    assert len(loops) == 4
    assert [n.op for n in loops[0].regions[0]] == ["input", "constant", "mul", "add"]
