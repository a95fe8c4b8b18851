"""The calls of blocks, noted beside the graph."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.spec.elaborate.calltree import CallNode, Ref, Section
from tests.canned import graphs

TEXT = """
graphflow: 1
name: calls
inputs: {x: {shape: [B, 4]}, y: {shape: [B, 4]}}
blocks:
  mixed:
    args: [width, scale=2]
    inputs: [a, b]
    nodes:
      total: a * scale + b
      out: linear(total, width)
    outputs: [out]
nodes:
  once: mixed(x, y, 3)
  twice: mixed(x, x, 3, scale=5)
  line:
    from: once
    through: [tanh, linear(2)]
  run:
    scan: {e: line}
    carry: {h: 'zeros([2])'}
    nodes: {h_next: 'mixed(e, h, 2)'}
    next: {h: h_next}
    collect: [h_next]
outputs: [twice, run.h_next]
train: {minimize: sum(run.h_next ** 2), optimizer: sgd(0.1)}
"""


@pytest.fixture(scope="module")
def model() -> gf.Model:
    return gf.loads(TEXT)


def calls(section: Section) -> list[CallNode]:
    return [step for step in section.steps if isinstance(step, CallNode)]


def test_a_call_knows_its_block_its_arguments_and_what_it_gave(model):
    once, twice, last = calls(model.elaborated.calls)
    assert [call.name for call in (once, twice, last)] == ["mixed", "mixed", "linear"]
    assert (once.path, once.owner, once.library) == ("once", "once", False)
    assert last.library and last.owner == "line.linear1"
    assert once.block is model.document.blocks["mixed"]
    assert once.arguments["width"] == 3 and once.arguments["scale"] == 2
    assert twice.arguments["scale"] == 5
    given = once.arguments["a"]
    assert isinstance(given, Ref) and given.name == "x"
    assert given.type == model.graph["x"].type
    assert once.results == {"": model.graph.resolve("once")}
    assert list(once.leaves) == ["once.weight", "once.bias"]


def test_lines_name_the_nodes_they_stood_for_the_last_one_for_good(model):
    found = model.elaborated.calls.lines
    assert found["line"] == ("line.tanh1", model.graph.resolve("line"))


def test_a_call_holds_the_calls_inside_it(model):
    once, *_ = calls(model.elaborated.calls)
    (inside,) = calls(once)
    assert inside.name == "linear" and inside.library and inside.results == once.results


def test_a_value_given_twice_is_read_by_two_names_and_the_graph_stays_as_it_is(model):
    _, twice, _ = calls(model.elaborated.calls)
    a, b = twice.arguments["a"], twice.arguments["b"]
    assert isinstance(a, Ref) and isinstance(b, Ref)
    assert a.name == "x" and b.name not in model.graph
    assert twice.aliases[b.name].inputs == ("x",)
    (read,) = (node for node in twice.nodes() if b.name in node.inputs)
    assert model.graph[read.name].inputs[-1] == "x"


def test_the_inside_of_a_loop_has_its_own_graph_and_calls(model):
    region = model.elaborated.calls.regions["run"]["body"]
    assert region.graph is model.graph["run"].attr("body")
    (call,) = calls(region)
    assert call.path == "run.h_next" and "run.h_next.weight" in region.leaves
    assert "run.h_next.weight" in model.elaborated.calls.leaves


@pytest.mark.parametrize("name", graphs())
def test_every_node_of_a_graph_is_a_step_of_one_section_in_order(name):
    elaborated = gf.load(name).elaborated
    leaves = {leaf.name for kind in ("input", "parameter", "state", "rng")
              for leaf in elaborated.graph.leaves(kind)}  # fmt: skip
    steps = [node.name for node in elaborated.calls.nodes()]
    assert steps == [name for name in elaborated.graph.nodes if name not in leaves]
    assert elaborated.calls.updates.items() <= elaborated.graph.updates.items()
