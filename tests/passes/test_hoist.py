from __future__ import annotations

import numpy as np

from graphflow.ir import DType, Graph, TensorType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes import optimise, stands_for
from graphflow.passes.pipeline import hoist

F32 = DType.FLOAT32
MATRIX, VECTOR = TensorType(F32, (3, 3)), TensorType(F32, (3,))


def recurrent(length: int = 4) -> Graph:
    """h = tanh(h @ transpose(w) + x + 1), with a scaled transpose that no turn changes."""
    inside = Builder()
    h, x, w = inside.input("h", VECTOR), inside.input("x", VECTOR), inside.input("w", MATRIX)
    turned = inside.add("transpose", w, name="turned")
    scaled = inside.add("mul", turned, turned.like(0.5), name="scaled")
    after = F.tanh(h @ scaled + x + 1.0)
    body = inside.graph([after.name, after.name])
    b = Builder()
    start, xs = b.input("start", VECTOR), b.input("xs", TensorType(F32, (length, 3)))
    w_outer = b.leaf("parameter", "w", MATRIX)
    out = b.add(
        "scan", start, xs, w_outer, body=body, carries=1, sequences=1, length=length, name="scan"
    )
    return b.graph([out.item(0, "last").name, out.item(1, "all").name])


def test_what_no_turn_changes_is_computed_before():
    graph = recurrent()
    result = hoist.rewritten(graph)
    after = result.graph
    assert list(after.nodes)[:6] == [
        "start", "xs", "w", "scan.turned", "scan.constant", "scan.scaled",
    ]  # fmt: skip
    assert after["scan.scaled"].inputs == ("scan.turned", "scan.constant")
    assert after["scan"].inputs == ("start", "xs", "w", "scan.scaled")
    assert [n.name for n in after["scan"].regions[0].leaves("input")] == ["h", "x", "w", "scaled"]
    assert result.fired == {"hoist_invariant": 1}
    assert after.origin("scan.scaled") == graph["scan"].regions[0].origin("scaled")


def test_values_stay_and_dead_captures_go():
    graph = recurrent()
    fast = optimise(graph)
    assert fast["scan"].inputs == ("start", "xs", "scan.scaled")
    rng = np.random.default_rng(0)
    shapes = {"start": (3,), "xs": (4, 3), "w": (3, 3)}
    given = {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}
    for name in graph.outputs:
        np.testing.assert_array_equal(evaluate(graph, given)[name], evaluate(fast, given)[name])
    assert stands_for(graph, fast)["scan.scaled"] == ("scan",)


def test_a_scan_of_no_turns_is_left_alone():
    graph = recurrent(0)
    assert hoist(graph) is graph


def test_constants_and_what_varies_stay_inside():
    inside = Builder()
    h, k = inside.input("h", VECTOR), inside.input("k", VECTOR)
    body = inside.graph([(h * 2.0 + k).name])
    b = Builder()
    start, captured = b.input("start", VECTOR), b.input("captured", VECTOR)
    out = b.add("scan", start, captured, body=body, carries=1, sequences=0, length=3)
    graph = b.graph([out.item(0).name])
    assert hoist(graph) is graph


def test_an_invariant_result_is_captured():
    inside = Builder()
    inside.input("h", VECTOR)
    k = inside.input("k", VECTOR)
    body = inside.graph(["h", inside.add("exp", k, name="e").name])
    b = Builder()
    start, captured = b.input("start", VECTOR), b.input("captured", VECTOR)
    out = b.add("scan", start, captured, body=body, carries=1, sequences=0, length=2, name="s")
    graph = b.graph([out.item(1, "all").name])
    after = hoist(graph)
    assert after["s.e"].op == "exp"
    given = {"start": np.zeros(3, np.float32), "captured": np.ones(3, np.float32)}
    np.testing.assert_array_equal(evaluate(after, given)["all"], evaluate(graph, given)["all"])


def test_out_of_loops_inside_loops():
    deepest = Builder()
    u, k = deepest.input("u", VECTOR), deepest.input("k", VECTOR)
    inner = deepest.graph([F.add(u, deepest.add("exp", k, name="e")).name])
    middle = Builder()
    h, k = middle.input("h", VECTOR), middle.input("k", VECTOR)
    loop = middle.add("scan", h, k, body=inner, carries=1, sequences=0, length=2, name="inner")
    body = middle.graph([loop.item(0).name])
    b = Builder()
    start, captured = b.input("start", VECTOR), b.input("captured", VECTOR)
    out = b.add("scan", start, captured, body=body, carries=1, sequences=0, length=2, name="outer")
    graph = b.graph([out.item(0).name])
    fast = optimise(graph)
    assert fast["outer.inner.e"].op == "exp"
    assert fast["outer"].inputs == ("start", "outer.inner.e")
