"""Attention found in graphs and made one node, with the numbers of what it was."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import graphflow as gf
from graphflow.cli.survey import survey
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType
from graphflow.ops.evaluate import evaluate
from graphflow.passes import optimise, specialise
from graphflow.runtime.attention import attended, attentions

FILE = """
graphflow: 1
name: attention
inputs:
  q: {{shape: [2, 3, {queries}, 8]}}
  k: {{shape: [2, 3, {keys}, 8]}}
  v: {{shape: [2, 3, {keys}, 4]}}
  g: {{shape: [2, 3, {queries}, 4]}}
nodes:
  y: {attention}
  loss: sum(y * g){more}
outputs: [loss, y]
"""
PLAIN = "scaled_dot_product_attention(q, k, v)"
CAUSAL = "scaled_dot_product_attention(q, k, v, is_causal=true, scale=0.7)"
WEIGHTS = " + sum(attention_weights(q @ swapaxes(k, -1, -2) * (1 / sqrt(8))) ** 2)"
TURNED = """swapaxes(scaled_dot_product_attention(swapaxes(swapaxes(q, 1, 2), 1, 2), k, v), 1, 1)"""


def concrete(
    text: str, wrt: tuple[str, ...] = ("q", "k", "v"), dtype: DType = DType.FLOAT64
) -> Graph:
    program = gf.loads(text).compile("loss", list(wrt), mode="train", keep=["y"])
    return optimise(specialise(program.graph, {}, dtype, training=True))


def file(attention: str, keys: int = 7, more: str = "", queries: int = 5) -> str:
    return FILE.format(attention=attention, keys=keys, more=more, queries=queries)


def attending(graph: Graph) -> int:
    return Counter(node.op for node in graph)["attending"]


def always(q, v) -> bool:
    return True


def values(graph: Graph) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    leaves = {
        leaf.name: random.standard_normal(leaf.tensor.shape).astype(leaf.tensor.dtype.value)
        for leaf in graph.leaves("input")
    }
    found = evaluate(graph, leaves)
    return {name: found[name] for name in graph.outputs}


@pytest.mark.parametrize(
    ("text", "wrt", "count"),
    [
        (file(PLAIN), ("q", "k", "v"), 2),
        (file(CAUSAL), ("q", "k", "v"), 2),
        (file(CAUSAL, keys=3), ("q", "k", "v"), 2),
        (file(CAUSAL, keys=300, queries=200), ("q", "k", "v"), 2),
        (file(CAUSAL.replace("0.7", "2")), ("q", "k", "v"), 2),
        (file(TURNED), ("q", "k", "v"), 2),
        (file("scaled_dot_product_attention(q, k, v * 2) + 1"), ("q", "k", "v"), 2),
        (file(PLAIN), (), 1),
    ],
)
def test_it_is_one_node_forward_and_one_backward_with_the_same_numbers(text, wrt, count):
    graph = concrete(text, wrt)
    after = attended(graph, always)
    assert attending(after) == count
    assert not any(node.op == "exp" for node in after)
    before, found = values(graph), values(after)
    assert after.outputs == tuple(after.resolve(name) for name in graph.outputs)
    for one, other in zip(before.values(), found.values(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("text", "wrt"),
    [
        (file(PLAIN), ("q",)),
        (file(PLAIN, more=WEIGHTS), ("q", "k", "v")),
        (file("scaled_dot_product_attention(q, k, v, scale=sum(g))"), ("q", "k", "v")),
        (file("scaled_dot_product_attention(q, k, v, dropout_p=0.5)"), ("q", "k", "v")),
        (file("scaled_dot_product_attention(q, k, v, mask=k[:, :1, None, :, 0] > 0)"), ()),
        (file("softmax(q @ swapaxes(k, -1, -2), axis=-2) @ v"), ("q", "k", "v")),
    ],
)
def test_what_is_not_all_of_it_is_left_alone(text, wrt):
    graph = concrete(text, wrt)
    assert attended(graph, always) is graph


def test_types_that_it_does_not_serve_are_left_alone():
    graph = concrete(file(PLAIN))
    asked = []
    after = attended(graph, lambda q, v: asked.append((str(q), str(v))) or False)
    assert after is graph and asked == [("float64[2, 3, 5, 8]", "float64[2, 3, 7, 4]")]


MIXED = """
graphflow: 1
name: mixed
inputs:
  q: {shape: [2, 3, 5, 8]}
  k: {shape: [2, 3, 7, 8]}
  v: {shape: [2, 3, 7, 4]}
  g: {shape: [2, 3, 5, 4]}
nodes:
  scores: cast(q, dtype=float16) @ swapaxes(cast(k, dtype=float16), -1, -2) * 0.25
  weights: softmax(cast(scores, dtype=float32))
  y: cast(cast(weights, dtype=float16) @ cast(v, dtype=float16), dtype=float32)
  loss: sum(y * g)
outputs: [loss, y]
"""


def test_where_precision_is_mixed_casts_are_looked_through():
    graph = concrete(MIXED, dtype=DType.FLOAT32)
    after = attended(graph, always)
    calls = [node for node in after if node.op == "attending"]
    assert len(calls) == 2 and not any(node.op == "exp" for node in after)
    for call in calls:
        types = [after.nodes[name].tensor.dtype for name in call.inputs]
        assert types[:3] == [DType.FLOAT16] * 3
    before, found = values(graph), values(after)
    for one, other in zip(before.values(), found.values(), strict=True):
        assert one.dtype == other.dtype == np.float32
        assert np.linalg.norm(other - one) < 3e-3 * np.linalg.norm(one)


def test_halves_are_summed_as_floats():
    graph = concrete(file(CAUSAL), dtype=DType.FLOAT16)
    after = attended(graph, always)
    exact = values(concrete(file(CAUSAL)))
    for (name, one), other in zip(exact.items(), values(after).values(), strict=True):
        assert other.dtype == np.float16
        error = np.linalg.norm(other - one) / np.linalg.norm(one)
        assert error < (5e-3 if name == "loss" else 2e-3)


@pytest.mark.parametrize(
    ("name", "count", "causal"), [("gpt", 2, True), ("transformer", 4, False), ("mlp", 0, False)]
)
def test_attention_of_canned_graphs_is_found(name, count, causal):
    concrete = survey(gf.load(name), {}, backward=True).concrete
    found = list(attentions(optimise(concrete)))
    assert [(each.causal, len(each.gradients)) for each in found] == [(causal, 3)] * count
