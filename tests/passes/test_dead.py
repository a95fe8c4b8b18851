from __future__ import annotations

from dataclasses import replace

import numpy as np

from graphflow.ir import DType, Graph, Node, TensorType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes.pipeline import dead

F32 = DType.FLOAT32
SCALAR, VECTOR = TensorType(F32), TensorType(F32, (3,))


def test_only_what_outputs_and_updates_need_is_left():
    b = Builder()
    x, w = b.input("x", VECTOR), b.leaf("parameter", "w", VECTOR)
    b.leaf("state", "counter", VECTOR)
    b.input("unused", VECTOR)
    y, z, gone = F.exp(x), F.neg(w), F.log(x)
    graph = replace(
        b.graph([y.name], {"counter": z.name}),
        aliases={"a": y.name, "b": gone.name},
        gradients={("a", "x"): gone.name, ("a", "w"): z.name},
    )
    result = dead.rewritten(graph)
    assert list(result.graph.nodes) == ["x", "w", "counter", "exp", "neg"]
    assert result.graph.aliases == {"a": "exp"}
    assert result.graph.gradients == {("a", "w"): "neg"}
    assert "log" not in result.graph.origins
    assert result.fired == {"drop_node": 2}
    assert dead(result.graph) is result.graph


def scan() -> Graph:
    """Carries a, b, c: b feeds a, c nothing. Sequences p, q: q is unread. Captured k, m: m is."""
    inside = Builder()
    a, b, c, p, q, k, m = (inside.input(n, SCALAR) for n in "abcpqkm")
    inside.aliases["called"] = (q + m).name
    after = [a + b, b * p, c * k]
    collected = [a + q, p + k]
    body = inside.graph([v.name for v in (*after, *collected)])
    outer = Builder()
    starts = [outer.input(f"{n}0", SCALAR) for n in "abc"]
    sequences = [outer.input(n, VECTOR) for n in "pq"]
    captured = [outer.input(n, SCALAR) for n in "km"]
    out = outer.add(
        "scan", *starts, *sequences, *captured,
        body=body, carries=3, sequences=2, length=3, name="scan",
    )  # fmt: skip
    for i in range(5):
        out.item(i, f"r{i}")
    return outer.graph([f"r{i}" for i in range(5)])


def feed() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"a0": (), "b0": (), "c0": (), "p": (3,), "q": (3,), "k": (), "m": ()}
    return {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}


def kept(*outputs: str) -> tuple[Node, list[str]]:
    """The scan that is left for some outputs, whose values must not have changed."""
    graph = replace(scan(), outputs=outputs)
    after = dead(graph)
    old, new = evaluate(graph, feed()), evaluate(after, {n: feed()[n] for n in names(after)})
    for name in outputs:
        np.testing.assert_array_equal(old[name], new[name])
    assert dead(after) is after
    return after["scan"], [leaf.name for leaf in after.leaves("input")]


def names(graph: Graph) -> list[str]:
    return [leaf.name for leaf in graph.leaves("input")]


def test_a_scan_keeps_a_carry_for_the_carry_that_reads_it():
    node, leaves = kept("r0")
    assert leaves == ["a0", "b0", "p"]
    assert node.inputs == ("a0", "b0", "p")
    assert (node.attr("carries"), node.attr("sequences")) == (2, 1)
    (body,) = node.regions
    assert [n.name for n in body] == ["a", "b", "p", "add2", "mul"]
    assert body.outputs == ("add2", "mul") and body.aliases == {}


def test_a_scan_keeps_what_a_collected_value_needs():
    node, leaves = kept("r4")
    assert leaves == ["p", "k"]
    assert (node.attr("carries"), node.attr("sequences")) == (0, 1)
    assert str(node.type) == "(float32[3])"


def test_several_results_are_counted_anew():
    graph = dead(replace(scan(), outputs=("r2", "r4")))
    assert graph["r2"].attr("index") == 0 and graph["r4"].attr("index") == 1


def test_a_scan_whose_results_are_all_read_stays():
    graph = replace(scan(), outputs=("r0", "r1", "r2", "r3", "r4"))
    after = dead(graph)
    assert after["scan"].inputs == ("a0", "b0", "c0", "p", "q", "k")
    assert dead(after) is after


def test_a_scan_that_nobody_reads_goes():
    graph = replace(scan(), outputs=("a0",))
    assert list(dead(graph).nodes) == ["a0"]


def test_all_results_stay_when_something_else_than_item_reads_them():
    graph = replace(scan(), outputs=("scan",))
    assert len(dead(graph)["scan"].type.items) == 5


def test_a_while_loop_keeps_what_its_condition_reads():
    inside = Builder()
    n, x, y, step = (inside.input(name, SCALAR) for name in ("n", "x", "y", "step"))
    body = inside.graph([(n + 1).name, (x * step).name, (y + 1).name])
    test = Builder()
    m, *_ = (test.input(name, SCALAR) for name in ("n", "x", "y", "step"))
    condition = test.graph([test.add("less", m, m.like(3)).name])
    b = Builder()
    operands = [b.input(name, SCALAR) for name in ("n", "x", "y", "step")]
    out = b.add(
        "while_loop", *operands, body=body, condition=condition, carries=3, max_steps=9, name="w"
    )
    last = out.item(1, "last")
    graph = b.graph([last.name])
    after = dead(graph)
    assert after["w"].inputs == ("n", "x", "step")
    assert after["w"].attr("carries") == 2
    assert after["last"].attr("index") == 1
    given = {"n": np.float32(0), "x": np.float32(1), "step": np.float32(2)}
    assert float(evaluate(after, given)["last"]) == 8.0
    assert dead(after) is after


def test_a_cond_keeps_what_either_branch_reads():
    def branch(first: str, second: str) -> Graph:
        inside = Builder()
        for name in ("p", "q", "r"):
            inside.input(name, SCALAR)
        return inside.graph([F.neg(inside.value(first)).name, F.exp(inside.value(second)).name])

    b = Builder()
    p, q, r = (b.input(name, SCALAR) for name in ("p", "q", "r"))
    flag = b.add("less", p, q, name="flag")
    out = b.add("cond", flag, p, q, r, then=branch("p", "r"), orelse=branch("q", "r"), name="c")
    chosen = out.item(0, "chosen")
    graph = b.graph([chosen.name])
    after = dead.rewritten(graph)
    assert after.graph["c"].inputs == ("flag", "p", "q")
    assert "r" not in after.graph
    assert after.fired["drop_operand"] == 1 and after.fired["drop_result"] == 1
    values = evaluate(after.graph, {"p": np.float32(1), "q": np.float32(2)})
    assert float(values["chosen"]) == -1.0


def test_loops_inside_loops():
    inner = Builder()
    u, v = inner.input("u", SCALAR), inner.input("v", SCALAR)
    deepest = inner.graph([(u + 1).name, (v * 2).name])
    middle = Builder()
    h, k = middle.input("h", SCALAR), middle.input("k", SCALAR)
    loop = middle.add("scan", h, k, body=deepest, carries=2, sequences=0, length=2)
    body = middle.graph([loop.item(0).name])
    b = Builder()
    h0, k0 = b.input("h0", SCALAR), b.input("k0", SCALAR)
    out = b.add("scan", h0, k0, body=body, carries=1, sequences=0, length=2, name="outer").item(0)
    graph = b.graph([out.name])
    once = dead(graph)
    assert len(once["outer"].regions[0].nodes) == 4  # h, k, the loop without k, its item
    twice = dead(once)
    assert twice["outer"].inputs == ("h0",)
    assert float(evaluate(twice, {"h0": np.float32(0)})[out.name]) == 4.0
