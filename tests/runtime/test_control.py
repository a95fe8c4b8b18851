from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphflow.autodiff import reverse
from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.runtime import control
from graphflow.schedule import updates
from tests.schedule.executing import check, executor, same
from tests.schedule.graphs import graphs, leaf_values, recurrence, scanned, tensor


@settings(max_examples=100, deadline=None)
@given(graphs(updates=True), st.integers(0, 3), st.booleans(), st.booleans())
def test_random_graphs_inside_scans(
    graph: Graph, length: int, backwards: bool, each: bool
) -> None:
    """With turns that are bound each, and with one for all."""
    with patch.object(updates, "SMALL", 0), patch.object(control, "BOUND", 2000 if each else 0):
        check(scanned(graph, length, backwards))


def test_a_loop_that_reads_nothing() -> None:
    inside = Builder()
    out = inside.constant(2.5, DType.FLOAT32)
    b = Builder()
    attrs = {"body": inside.graph([out.name]), "carries": 0, "sequences": 0, "length": 3}
    check(b.graph([b.add("scan", **attrs).item(0).name]))


@pytest.mark.parametrize("reverse_", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("length", [0, 1, 5])
@pytest.mark.parametrize("width", [3, 40])
@pytest.mark.parametrize("bound", [0, 2000])
def test_scans_and_their_gradients(
    length: int, reverse_: bool, width: int, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "BOUND", bound)
    graph = recurrence(length, reverse_, width)
    check(graph)
    loss = graph.outputs[0]
    derived = reverse(graph, loss, ["h0", "W"])
    grads = [derived.gradients[loss, name] for name in ("h0", "W")]
    b = Builder(derived)
    following = {
        name: (b.value(name) - b.value(g) * 1e-3).name
        for name, g in zip(("h0", "W"), grads, strict=True)
    }
    check(b.graph([loss, *grads], following), tolerance=1e-8)


def test_nested_scans_that_capture_from_outside() -> None:
    inner = Builder()
    s, x, k = inner.input("s", tensor(2)), inner.input("x", tensor(2)), inner.input("k", tensor(2))
    following = s * k + x
    inside = inner.graph([following.name, F.sum(following).name])
    outer = Builder()
    c, row, k2 = (
        outer.input("c", tensor(2)),
        outer.input("r", tensor(3, 2)),
        outer.input("k", tensor(2)),
    )
    scan = F.scan(c, row, k2, body=inside, carries=1, sequences=1, length=3, reverse=True)
    body = outer.graph([scan.item(0).name, scan.item(1).name, "c", "k"])
    b = Builder()
    start, rows, k3 = (
        b.input("a", tensor(2)),
        b.input("xs", tensor(4, 3, 2)),
        b.input("k", tensor(2, 2)),
    )
    column = F.slice(k3, index=(("slice", 0, 2, 1), ("index", 1)))
    out = F.scan(start, rows, column, body=body, carries=1, sequences=1, length=4)
    check(b.graph([out.item(i).name for i in range(4)]))


def test_carries_that_change_places() -> None:
    inner = Builder()
    inner.input("a", tensor(2)), inner.input("b", tensor(2))
    body = inner.graph(["b", "a", "a"])
    b = Builder()
    x, y = b.input("x", tensor(2)), b.input("y", tensor(2))
    out = F.scan(x, y, body=body, carries=2, sequences=0, length=3)
    check(b.graph([out.item(i).name for i in range(3)]))


def halving(limit: int) -> Graph:
    test, step = Builder(), Builder()
    x, c = test.input("x", tensor(40, 40)), test.input("c", tensor())
    goes_on = F.greater(F.sum(F.abs(x)), c)
    y, d = step.input("x", tensor(40, 40)), step.input("c", tensor())
    b = Builder()
    out = F.while_loop(
        b.input("x0", tensor(40, 40)), b.input("c0", tensor()),
        condition=test.graph([goes_on.name]), body=step.graph([(y * 0.5 + d * 0).name]),
        carries=1, max_steps=limit,
    )  # fmt: skip
    return b.graph([out.item(0).name])


def test_while_loops_run_until_their_condition_fails() -> None:
    check(halving(100))


def test_a_while_loop_that_does_not_end_is_stopped() -> None:
    runner, _, feed = executor(halving(3), leaf_values(halving(3)))
    with pytest.raises(GraphflowError, match="GF063"):
        runner.run({**feed, "c0": np.array(-1.0)})
    runner.run({**feed, "c0": np.array(1e9)})


@pytest.mark.parametrize("chosen", [True, False])
def test_cond_runs_the_chosen_branch(chosen: bool) -> None:
    branches = []
    for factor in (2.0, -1.0):
        inside = Builder()
        x, y = inside.input("x", tensor(2, 3)), inside.input("y", tensor(3, 2))
        branches.append(inside.graph([(x * factor).name, F.reshape(y, shape=(6,)).name]))
    b = Builder()
    x = b.input("x", tensor(2, 3))
    which = F.greater(b.input("p", tensor()), b.constant(0.0, DType.FLOAT64))
    out = F.cond(which, x, F.transpose(x), then=branches[0], orelse=branches[1])
    graph = b.graph([out.item(0).name, out.item(1).name])
    leaves = {"x": np.arange(6.0).reshape(2, 3), "p": np.array(1.0 if chosen else -1.0)}
    runner, _, feed = executor(graph, leaves)
    expected = evaluate(graph, leaves)
    for name, got in runner.run(feed).items():
        same(got, expected[name])
