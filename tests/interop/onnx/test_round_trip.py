"""Random small graphs: what is written runs alike elsewhere, and reads back as the same."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import helper

import graphflow as gf
from graphflow.interop.onnx.writer.model import written
from graphflow.interop.onnx.writer.prepare import Prepared, simplified
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ops.evaluate import evaluate
from tests.interop.onnx.running import checked, run
from tests.interop.onnx.test_writer_models import GRAPHS, inputs_of
from tests.passes import random_graphs

EXACT = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -4.0, 3.0]
"""Numbers that small graphs add and multiply without rounding: what rounds is exact, too."""
TAME = {
    "NUMBERS": EXACT,
    "UNARY": [op for op in random_graphs.UNARY if op != "sqrt"],
    "BINARY": [op for op in random_graphs.BINARY if op not in ("pow", "div")],
}
"""Runtimes differ in what the largest of numbers and nan is: graphs make none."""


@st.composite
def cases(draw: st.DrawFn) -> tuple[Graph, dict[str, np.ndarray]]:
    """A random graph and values for its leaves, the draw included."""
    with patch.multiple(random_graphs, **TAME):
        graph = simplified(draw(random_graphs.graphs(depth=2, most=10)))
    numbers = st.sampled_from(EXACT)
    feed = {}
    for leaf in graph:
        if leaf.op in LEAVES:
            size = int(np.prod(leaf.tensor.shape))
            values = draw(st.lists(numbers, min_size=size, max_size=size))
            feed[leaf.name] = np.array(values, np.float32).reshape(leaf.tensor.shape)
    return graph, feed


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_random_graphs_go_out_and_come_back(case):
    graph, feed = case
    values = evaluate(graph, feed)
    assume(all(np.all(np.isfinite(values[name])) for name in graph.outputs))
    names = [f"out{i}" for i in range(len(graph.outputs))]
    outputs = list(zip(names, graph.outputs, strict=True))
    proto = checked(written(Prepared(graph, outputs, {}, frozenset(feed)), "random").whole())
    there = run(proto, feed)
    back = gf.from_onnx(proto).compile()(feed).values
    for name, node in outputs:
        np.testing.assert_allclose(there[name], values[node], rtol=1e-5)
        np.testing.assert_allclose(back[name], values[node], rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "style_transfer"])
def test_canned_graphs_go_out_and_come_back(name):
    model = gf.load(name)
    proto = gf.to_onnx(model)
    feed = inputs_of(proto)
    ours, back = model.compile()(feed).values, gf.from_onnx(proto).compile()(feed).values
    for output, value in ours.items():
        np.testing.assert_allclose(back[output], value, rtol=1e-5, atol=1e-6)


def test_names_of_ends_come_back():
    relu = helper.make_node("Relu", ["in.1"], ["mid/1"])
    add = helper.make_node("Add", ["mid/1", "in.1"], ["out.1"])
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 3])
        for name in ("in.1", "out.1")
    ]
    graph = helper.make_graph([relu, add], "g", ends[:1], ends[1:])
    opset = helper.make_opsetid("", 20)
    model = gf.from_onnx(helper.make_model(graph, opset_imports=[opset]))
    found = gf.to_onnx(model).graph
    assert [i.name for i in found.input] == ["in.1"]
    assert [o.name for o in found.output] == ["out.1"]
