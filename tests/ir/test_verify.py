from __future__ import annotations

from dataclasses import replace

import pytest

from graphflow.ir import DType, Graph, InvalidGraph, Node, Origin, TensorType, TupleType, verify
from graphflow.ops import Builder
from graphflow.passes.verified import inferred, verified

VECTOR = TensorType(DType.FLOAT32, (3,))
SCALAR = TensorType(DType.FLOAT32)


def sample() -> Graph:
    b = Builder()
    x = b.input("x", VECTOR)
    w = b.leaf("parameter", "w", VECTOR)
    y = b.add("mul", x, w, name="y")
    graph = b.graph([y.name], {"w": "y"})
    return replace(graph, aliases={"loss": "y"}, gradients={("y", "w"): "x"})


def scanned() -> Graph:
    inside = Builder()
    h, x = inside.input("h", SCALAR), inside.input("x", SCALAR)
    k = inside.input("k", SCALAR)
    after = inside.add("add", h * k, x, name="after")
    body = inside.graph([after.name, h.name])
    b = Builder()
    start, xs = b.input("start", SCALAR), b.input("xs", VECTOR)
    factor = b.input("factor", SCALAR)
    out = b.add("scan", start, xs, factor, name="loop", body=body, carries=1, sequences=1, length=3)
    return b.graph([out.item(0, "last").name, out.item(1, "all").name])


def changed(graph: Graph, name: str, /, **fields: object) -> Graph:
    node = replace(graph.nodes[name], **fields)
    return replace(graph, nodes={**graph.nodes, name: node})


def with_body(graph: Graph, body: Graph) -> Graph:
    loop = graph.nodes["loop"]
    return changed(graph, "loop", attrs=tuple((loop.attributes() | {"body": body}).items()))


def refused(graph: Graph) -> str:
    with pytest.raises(InvalidGraph) as caught:
        verify(graph, infer=inferred)
    return str(caught.value)


def test_well_formed_graphs_pass():
    verify(sample(), infer=inferred)
    verify(scanned(), infer=inferred)
    verify(Graph({}))


def test_running_order():
    graph = sample()
    names = ["y", "x", "w"]
    moved = replace(graph, nodes={n: graph.nodes[n] for n in names})
    assert refused(moved) == "node 'y' (mul): reads 'x', which comes later"


def test_a_node_cannot_read_itself():
    assert "reads 'y', which comes later" in refused(changed(sample(), "y", inputs=("x", "y")))


def test_operands_exist():
    assert "'y' (mul): reads 'z', which does not exist" in refused(
        changed(sample(), "y", inputs=("x", "z"))
    )


def test_names_match_keys():
    assert "node 'y' (mul): is stored under 'y' but calls itself 'z'" in refused(
        changed(sample(), "y", name="z")
    )


def test_leaves_read_nothing():
    assert "node 'w' (parameter): is a leaf" in refused(changed(sample(), "w", inputs=("x",)))


def test_attributes_are_unique():
    graph = scanned()
    twice = (*graph["last"].attrs, ("index", 1))
    assert "has an attribute twice" in refused(changed(graph, "last", attrs=twice))


@pytest.mark.parametrize(
    ("fields", "table"),
    [
        ({"outputs": ("gone",)}, "outputs"),
        ({"updates": {"gone": "y"}}, "updates"),
        ({"updates": {"w": "gone"}}, "updates"),
        ({"aliases": {"a": "gone"}}, "aliases"),
        ({"gradients": {("y", "x"): "gone"}}, "gradients"),
        ({"origins": {"gone": Origin()}}, "origins"),
    ],
)
def test_tables_name_existing_nodes(fields, table):
    assert refused(replace(sample(), **fields)) == f"{table}: 'gone' does not exist"


def test_an_alias_hides_no_node():
    assert "aliases: 'x' is a node's own name" in refused(replace(sample(), aliases={"x": "y"}))


def test_an_updated_leaf_keeps_its_type():
    b = Builder()
    w = b.leaf("parameter", "w", VECTOR)
    graph = b.graph([], {"w": b.add("sum", w, name="s").name})
    assert refused(graph) == ("update of 'w': 's' is float32[], the leaf is float32[3]")


def test_only_what_survives_a_step_is_updated():
    assert "update of 'x': is of an input" in refused(replace(sample(), updates={"x": "y"}))


def test_types_agree_with_the_operator():
    graph = replace(changed(sample(), "y", type=SCALAR), updates={})
    assert refused(graph) == (
        "node 'y' (mul): is declared float32[], but its operator gives float32[3]"
    )
    verify(graph)  # without the operators' rules nothing is wrong


def test_an_operator_that_refuses_is_reported():
    graph = replace(
        changed(sample(), "x", type=TensorType(DType.FLOAT32, (4,))), gradients={}, updates={}
    )
    assert "node 'y' (mul): its operator refuses its operands" in refused(graph)


def test_items_pick_existing_results():
    graph = scanned()
    assert "there is no result 2" in refused(changed(graph, "last", attrs=(("index", 2),)))
    assert "result 1 is float32[3]" in refused(changed(graph, "last", attrs=(("index", 1),)))
    single = Node("item", ("x",), (("index", 0),), VECTOR, "part")
    b = sample()
    assert "'x' has a single result" in refused(replace(b, nodes={**b.nodes, "part": single}))


def test_regions_take_what_they_are_handed():
    graph = scanned()
    body = graph["loop"].regions[0]
    wide = changed(body, "k", type=VECTOR)
    assert "node 'loop' (scan), body" in refused(with_body(graph, wide))
    swapped = replace(graph, nodes=graph.nodes)
    message = refused(changed(swapped, "loop", inputs=("start", "xs", "xs")))
    assert message.startswith("node 'loop' (scan), body: takes [float32[], float32[], float32[]]")


def test_regions_are_verified_inside():
    graph = scanned()
    body = graph["loop"].regions[0]
    message = refused(with_body(graph, changed(body, "after", inputs=("gone", "x"))))
    assert message == (
        "node 'loop' (scan), body: node 'after' (add): reads 'gone', which does not exist"
    )


def test_regions_have_inputs_only():
    graph = scanned()
    body = graph["loop"].regions[0]
    owning = changed(body, "k", op="parameter")
    assert "a region has inputs only" in refused(with_body(graph, owning))


def test_loops_hand_on_what_they_were_given():
    graph = scanned()
    body = graph["loop"].regions[0]
    b = Builder(body)
    whole = b.add("cast", b.value("after"), dtype=DType.FLOAT64)
    assert "carries [float32[]] but hands on [float64[]]" in refused(
        with_body(graph, b.graph([whole.name, "h"]))
    )


def test_while_and_cond():
    inside = Builder()
    n = inside.input("n", SCALAR)
    body, condition = inside.graph([(n + 1).name]), inside.graph([inside.add("less", n, n).name])
    b = Builder()
    x = b.input("x", SCALAR)
    flag = b.add("less", x, x)
    b.add("while_loop", x, name="w", condition=condition, body=body, carries=1, max_steps=9)
    b.add("cond", flag, x, name="c", then=body, orelse=body)
    graph = b.graph()
    verify(graph, infer=inferred)
    assert "'c' (cond), then: takes [float32[]] but is handed []" in refused(
        changed(graph, "c", inputs=(flag.name,))
    )
    assert "'w' (while_loop): carries" in refused(changed(graph, "w", inputs=(flag.name,)))


def test_verified_runs_when_asked(monkeypatch):
    broken = replace(sample(), outputs=("gone",))
    monkeypatch.setenv("GRAPHFLOW_VERIFY", "0")
    assert verified(broken, "cse") is broken
    monkeypatch.setenv("GRAPHFLOW_VERIFY", "1")
    with pytest.raises(InvalidGraph, match="after cse: outputs: 'gone' does not exist"):
        verified(broken, "cse")


def test_leaves_have_one_result():
    graph = changed(sample(), "x", type=TupleType((VECTOR,)))
    assert "'x' (input): is a leaf but has several results" in refused(graph)
