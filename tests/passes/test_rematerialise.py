"""A checkpoint changes when values are computed and what memory that takes, never a number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import graphflow as gf
from graphflow.ir.graph import Graph
from graphflow.passes import optimise
from graphflow.passes.rematerialise import rematerialise
from graphflow.runtime.compile import Compiler, Settings
from graphflow.schedule.plan import make_plan

DEEP = """
graphflow: 1
name: Deep
inputs: {x: {shape: [B, 64]}}
blocks:
  layer:
    inputs: [x]
    nodes:
      a: tanh(linear(x, 64))
      y: dropout(a + x, 0.1)
    outputs: [y]
nodes:
  net:
    from: x
    through:
      - repeat: 6
        through: [layer, layer, layer, MARK]
  loss: mean(net ** 2)
outputs: [loss]
"""
OVER_TIME = """
graphflow: 1
name: Over time
inputs: {x: {shape: [T, B, 8]}}
params: {w: {shape: [8, 8], init: xavier_normal}}
nodes:
  rnn:
    scan: {e: x}
    carry: {h: 'zeros([dim(x, 1), 8])'}
    nodes:
      z: tanh(h @ w + e)
      u: z * exp(-z * z)
      h_next: MARK(sin(u) + h)
    next: {h: h_next}
    collect: [h_next]
  loss: mean(rnn.h_next ** 2)
outputs: [loss]
"""
X = np.random.default_rng(0).normal(size=(256, 64))
XT = np.random.default_rng(0).normal(size=(30, 16, 8))


def gradients(text: str, mark: str, feed: np.ndarray) -> list[np.ndarray]:
    model = gf.loads(text.replace("MARK", mark))
    names = list(model.parameters)
    result = model.compile(of="loss", wrt=names, mode="train", dtype="float64")({"x": feed})
    return [result.values["loss"], *result.gradients.values()]


def fast(text: str, mark: str, **sizes: int) -> Graph:
    model = gf.loads(text.replace("MARK", mark))
    program = model.compile(of="loss", wrt=list(model.parameters), mode="train")
    compiler = program.compiler
    assert isinstance(compiler, Compiler)
    assert compiler.settings == Settings("train", precision="fp32")
    return optimise(compiler.concrete(sizes))


@pytest.mark.parametrize(("text", "feed"), [(DEEP, X), (OVER_TIME, XT)], ids=["deep", "time"])
def test_gradients_are_equal_bit_for_bit(text: str, feed: np.ndarray):
    plain, marked = gradients(text, "identity", feed), gradients(text, "checkpoint", feed)
    assert len(plain) == len(marked) > 1
    for one, other in zip(plain, marked, strict=True):
        np.testing.assert_array_equal(one, other)


def test_memory_shrinks_to_the_checkpoints_and_one_segment():
    kept = make_plan(fast(DEEP, "identity", B=4096)).arena_bytes
    forgotten = make_plan(fast(DEEP, "checkpoint", B=4096)).arena_bytes
    assert forgotten < 0.5 * kept


def test_backward_reads_copies_of_what_lies_before_a_checkpoint():
    graph = fast(DEEP, "checkpoint", B=4)
    marks = [n.name for n in graph if n.op == "checkpoint"]
    before = {n for n in graph.needed_for(marks) if graph.origin(n).phase == "forward"}
    computed = {n for n in before if graph.nodes[n].inputs} - set(marks)
    backward = [n for n in graph if graph.origin(n.name).phase == "backward"]
    assert len(marks) == 6 and computed
    assert not [n.name for n in backward if not computed.isdisjoint(n.inputs)]


def test_where_workers_meet_they_meet_once():
    text = DEEP.replace("MARK", "checkpoint")
    model = gf.loads(text)
    compiler = model.compile(of="loss", wrt=list(model.parameters), mode="train").compiler
    assert isinstance(compiler, Compiler)
    graph = compiler.concrete({"B": 4})
    met = [n.name for n in graph if n.op == "tanh"]
    nodes = dict(graph.nodes)
    for name in met:
        nodes[name] = replace(nodes[name], op="all_reduce_mean", attrs=(("place", name),))
    after = rematerialise(replace(graph, nodes=nodes))
    assert after.fired and met == [n.name for n in after.graph if n.op == "all_reduce_mean"]


def test_a_scan_keeps_only_what_is_marked_and_carried():
    def stacked(mark: str) -> int:
        graph = fast(OVER_TIME, mark, T=30, B=16)
        forward = next(n for n in graph if n.op == "scan")
        return len(forward.regions[0].outputs)

    assert stacked("checkpoint") < stacked("identity")


def test_a_graph_without_checkpoints_is_left_alone():
    graph = fast(DEEP, "identity", B=4)
    assert not [n for n in graph.nodes if n.endswith(".again")]
