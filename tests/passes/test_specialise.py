from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError, Mark
from graphflow.ir import DType, Graph, Origin, TensorType, TupleType, symbol
from graphflow.ops import Builder
from graphflow.ops.evaluate import evaluate
from graphflow.passes import specialise

B, T = symbol("B"), symbol("T")
FLOAT = DType.FLOAT


def concrete(graph: Graph, sizes: dict | None = None, training: bool = True) -> Graph:
    return specialise(graph, sizes or {}, DType.FLOAT32, training)


def refused(graph: Graph, sizes: dict) -> str:
    with pytest.raises(GraphflowError) as caught:
        concrete(graph, sizes)
    return str(caught.value)


def test_types_and_attributes_become_concrete():
    b = Builder()
    x = b.input("x", TensorType(FLOAT, (B, T)))
    flat = b.add("reshape", x, shape=(B * T,), name="flat")
    b.add("full", shape=(B, (T + 1) // 2), value=0, dtype=FLOAT, name="zero")
    part = b.add("slice", x, index=(("ellipsis",), ("slice", T - 1, T, 1)), name="part")
    graph = concrete(b.graph([flat.name, "zero", part.name]), {"B": 2, "T": 5})
    assert graph["x"].type == TensorType(DType.FLOAT32, (2, 5))
    assert graph["flat"].attr("shape") == (10,)
    assert graph["zero"].attrs == (("shape", (2, 3)), ("value", 0), ("dtype", DType.FLOAT32))
    assert graph["part"].type == TensorType(DType.FLOAT32, (2, 1))


def test_sizes_used_as_numbers():
    b = Builder()
    b.constant(2 * B + 1, FLOAT, "f")
    b.constant(B, DType.INT64, "i")
    b.constant(2.5, FLOAT, "plain")
    graph = concrete(b.graph(["f", "i", "plain"]), {"B": 3})
    values = {name: graph[name].attr("value") for name in graph.outputs}
    assert values == {"f": 7.0, "i": 3, "plain": 2.5}
    assert isinstance(values["f"], float) and isinstance(values["i"], int)


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_resolved_and_every_table_follows(training):
    b = Builder()
    x, w = b.input("x", TensorType(FLOAT)), b.leaf("parameter", "w", TensorType(FLOAT))
    train, evaluation = b.add("mul", x, w, name="train"), b.add("neg", x, name="evaluation")
    choice = b.add("by_mode", train, evaluation, name="choice")
    y = b.add("exp", choice, name="y")
    graph = replace(
        b.graph([choice.name, y.name], {"w": "choice"}),
        aliases={"h": "choice", "only": "train"},
        gradients={("y", "x"): "choice"},
    )
    found = concrete(graph, training=training)
    chosen = "train" if training else "evaluation"
    assert found.outputs == (chosen, "y")
    assert found["y"].inputs == (chosen,)
    assert found.updates == {"w": chosen}
    assert found.gradients == {("y", "x"): chosen}
    assert found.aliases["h"] == found.aliases["choice"] == chosen
    assert ("train" in found.nodes) is training
    assert ("only" in found.aliases) is training
    assert "choice" not in found.nodes and "choice" not in found.origins


def test_choices_of_choices():
    b = Builder()
    x = b.input("x", TensorType(FLOAT))
    inner = b.add("by_mode", -x, x, name="inner")
    outer = b.add("by_mode", inner, x, name="outer")
    graph = concrete(b.graph([outer.name]))
    assert [node.op for node in graph] == ["input", "neg"]
    assert graph.aliases == {"inner": "neg", "outer": "neg"}


def test_leaves_stay_when_needed_or_updated():
    b = Builder()
    for name in ("read", "updated", "unused"):
        b.leaf("state", name, TensorType(FLOAT))
    y = b.add("neg", b.value("read"))
    graph = concrete(b.graph([y.name], {"updated": "read"}))
    assert list(graph.nodes) == ["read", "updated", "neg"]


def test_an_unneeded_symbol_needs_no_size():
    b = Builder()
    b.input("unused", TensorType(FLOAT, (T,)))
    y = -b.input("x", TensorType(FLOAT, (B,)))
    assert len(concrete(b.graph([y.name]), {"B": 2})) == 2


def test_a_symbol_without_a_size_is_named():
    b = Builder()
    b.origin = Origin(Mark("m.yaml", 4, 3))
    x = b.input("x", TensorType(FLOAT, (B, T)))
    y = b.add("sum", x)
    message = refused(b.graph([y.name]), {"B": 2})
    assert "GF026: no size is known for T (in 'x')" in message
    assert "m.yaml:4:3: 'x' is float[B, T]" in message
    assert "compile with T=..." in message


def test_a_symbol_that_only_an_attribute_has_is_named():
    b = Builder()
    b.add("full", shape=(T,), value=T, dtype=FLOAT, name="t")
    assert "no size is known for T (in 't')" in refused(b.graph(["t"]), {})


def test_sizes_that_are_too_small():
    b = Builder()
    b.origin = Origin(Mark("m.yaml", 4, 3))
    x = b.input("x", TensorType(FLOAT, (T,)))
    y = b.add("slice", x, index=(("slice", 3, None, None),), name="y")
    message = refused(b.graph([y.name]), {"T": 2})
    assert "m.yaml:4:3: error GF030: T = 2 gives 'y' the impossible shape" in message


def test_a_slice_that_would_begin_before_the_array():
    b = Builder()
    x = b.input("x", TensorType(FLOAT, (T,)))
    y = b.add("slice", x, index=(("slice", -3, None, None),), name="y")  # NumPy would take fewer
    assert concrete(b.graph([y.name]), {"T": 3})["y"].type == TensorType(DType.FLOAT32, (3,))
    assert "GF033: slice -1:2 reaches beyond" in refused(b.graph([y.name]), {"T": 2})


def test_the_operators_own_rule_is_asked_again():
    b = Builder()
    x = b.input("x", TensorType(FLOAT, (T,)))
    y = b.add("reshape", x, shape=(2, T // 2), name="y")  # an odd T does not fit
    graph = b.graph([y.name])
    assert concrete(graph, {"T": 6})["y"].type == TensorType(DType.FLOAT32, (2, 3))
    message = refused(graph, {"T": 5})
    assert "GF030: cannot reshape [5]" in message and "in 'y', with T = 5" in message


def scanned() -> Graph:
    inside = Builder()
    h = inside.input("h", TensorType(FLOAT, (B,)))
    x = inside.input("x", TensorType(FLOAT, (B,)))
    unused = inside.input("unused", TensorType(FLOAT, (B,)))
    choice = inside.add("by_mode", h + x, h * unused, name="choice")
    body = inside.graph([choice.name])
    b = Builder()
    xs = b.input("xs", TensorType(FLOAT, (T, B)))
    start = b.add("full", shape=(B,), value=0, dtype=FLOAT)
    out = b.add("scan", start, xs, start, body=body, carries=1, sequences=1, length=T, name="s")
    return b.graph([out.item(0, "last").name])


def test_regions_become_concrete():
    graph = concrete(scanned(), {"B": 2, "T": 3})
    scan = graph["s"]
    assert scan.type == TupleType((TensorType(DType.FLOAT32, (2,)),))
    assert scan.attr("length") == 3
    (body,) = scan.regions
    assert [node.op for node in body] == ["input", "input", "input", "add"]
    assert body.outputs == ("add",) and body.aliases == {"choice": "add"}
    assert {node.type for node in body} == {TensorType(DType.FLOAT32, (2,))}
    values = evaluate(graph, {"xs": np.ones((3, 2), np.float32)})
    np.testing.assert_array_equal(values["last"], [3, 3])


def test_a_symbol_only_inside_a_region_is_named():
    assert "no size is known for T (in 'xs')" in refused(scanned(), {"B": 2})


def test_a_concrete_graph_keeps_its_nodes():
    graph = concrete(scanned(), {"B": 2, "T": 3})
    again = concrete(graph)
    assert again == graph
    assert all(again.nodes[name] is node for name, node in graph.nodes.items())


def test_nothing_is_changed_in_place():
    graph = scanned()
    before = dict(graph.nodes)
    concrete(graph, {"B": 2, "T": 3})
    assert graph.nodes == before
