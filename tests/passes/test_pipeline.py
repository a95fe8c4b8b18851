from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from graphflow.ir import DType, Graph, TensorType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes import PASSES, optimise, stands_for, trace_passes
from graphflow.passes.pipeline import ROUNDS, count
from tests.passes.random_graphs import graphs, leaves
from tests.passes.test_canonicalise import same_bits

F32 = DType.FLOAT32
SCALAR = TensorType(F32)


def values(graph: Graph, given: dict[str, np.ndarray]) -> list[object]:
    with np.errstate(all="ignore"):
        found = evaluate(graph, given)
    return [found[name] for name in (*graph.outputs, *graph.updates.values())]


@settings(max_examples=150, deadline=None)
@given(graph=graphs(), given=leaves())
def test_the_fast_graph_computes_the_same_bits(graph, given):
    fast = optimise(graph)
    assert list(fast.updates) == list(graph.updates)
    for old, new in zip(values(graph, given), values(fast, given), strict=True):
        assert same_bits(old, new), (old, new)


@settings(max_examples=60, deadline=None)
@given(graph=graphs())
def test_optimising_again_changes_nothing(graph):
    fast = optimise(graph)
    assert optimise(fast) is fast


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), given=leaves())
def test_every_pass_alone_keeps_the_values(graph, given):
    expected = values(graph, given)
    for each in PASSES:
        for old, new in zip(expected, values(each(graph), given), strict=True):
            assert same_bits(old, new), each.name


@settings(max_examples=60, deadline=None)
@given(graph=graphs())
def test_rounds_end_and_only_shrink(graph):
    reports = trace_passes(graph)
    assert len(reports) < ROUNDS * len(PASSES)
    assert reports[-1].after_count <= count(graph)
    for report in reports:
        changed = bool(report.fired)
        assert changed or report.before_count == report.after_count


@settings(max_examples=60, deadline=None)
@given(graph=graphs())
def test_every_living_node_has_one_home(graph):
    fast = optimise(graph)
    homes = stands_for(graph, fast)
    assert list(homes) == list(fast.nodes)
    assert all(homes[name] for name in fast.nodes)
    own = [name for fast_name, names in homes.items() if fast_name in graph for name in names]
    assert len(own) == len(set(own))
    living = graph.needed_for(graph.roots())
    assert set(graph.roots()) <= {n for names in homes.values() for n in names}
    assert {n for n in living if n in fast} <= {n for names in homes.values() for n in names}


def test_names_of_merged_nodes_still_resolve():
    b = Builder()
    x = b.input("x", SCALAR)
    first = b.add("exp", x, name="first")
    second = b.add("exp", b.add("identity", x), name="second")
    b.aliases["shown"] = "second"
    graph = replace(b.graph([first.name, second.name]), gradients={("first", "x"): "second"})
    fast = optimise(graph)
    assert fast.outputs == ("first", "first")
    assert fast.resolve("second") == fast.resolve("shown") == "first"
    assert fast.gradients == {("first", "x"): "first"}
    assert stands_for(graph, fast) == {"x": ("x", "identity"), "first": ("first", "second")}


def test_what_was_simplified_away_counts_for_its_reader():
    b = Builder()
    x = b.input("x", SCALAR)
    y = b.add("exp", b.add("neg", b.add("neg", x, name="inner"), name="outer"), name="y")
    unused = b.add("log", x, name="unused")
    graph = b.graph([y.name])
    homes = stands_for(graph, optimise(graph))
    assert homes == {"x": ("x", "inner", "outer"), "y": ("y",)}
    assert unused.name not in homes


def test_upto_and_dump():
    b = Builder()
    x = b.input("x", SCALAR)
    graph = b.graph([(-F.neg(x) + -F.neg(x)).name])
    seen: list[tuple[str, int]] = []
    fast = optimise(graph, upto="canonicalise", dump=lambda name, g: seen.append((name, len(g))))
    assert seen == [("dead", 6), ("canonicalise", 4)] and len(fast) == 4
    names = [each.name for each in PASSES]
    seen.clear()
    optimise(graph, dump=lambda name, g: seen.append((name, len(g))))
    assert [name for name, _ in seen][: len(names)] == names
    with pytest.raises(ValueError, match="no pass is called 'fuse'"):
        optimise(graph, upto="fuse")


def test_the_story_is_told():
    b = Builder()
    x = b.input("x", SCALAR)
    graph = b.graph([(-F.neg(x) * 0.0).name])
    reports = [r for r in trace_passes(graph) if r.name == "canonicalise"]
    assert reports[0].fired == {"double_negative": 1}
    assert (reports[0].before_count, reports[0].after_count) == (5, 4)
    (refusal,) = reports[0].declined
    assert (refusal.node, refusal.rule) == ("mul", "times_zero")
    assert "nan" in refusal.reason


def test_the_plain_graph_is_left_alone():
    b = Builder()
    graph = b.graph([(b.input("x", SCALAR) * 1.0).name])
    before = dict(graph.nodes)
    optimise(graph)
    assert graph.nodes == before and graph.outputs == ("mul",)
