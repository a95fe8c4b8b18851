"""Fusion keeps values, and puts together what belongs together."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder, F, Value
from graphflow.passes import fuse, optimise
from graphflow.schedule.plan import make_plan
from tests.passes.random_graphs import graphs, leaves
from tests.passes.test_canonicalise import same_bits
from tests.passes.test_pipeline import values

F32 = DType.FLOAT32


def every(node: Node, types: Sequence[TensorType]) -> bool:
    return True


def fused(*values: Value) -> Graph:
    return fuse(values[0].builder.graph([v.name for v in values]), every)


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph if node.op not in ("input", "parameter", "constant", "item")]


@settings(max_examples=150, deadline=None)
@given(graph=graphs(), given=leaves())
def test_the_fused_graph_computes_the_same_bits(graph, given):
    for before in (graph, optimise(graph)):
        after = fuse(before, every)
        make_plan(after)
        assert list(after.updates) == list(before.updates)
        for old, new in zip(values(before, given), values(after, given), strict=True):
            assert same_bits(old, new), (old, new)


def test_a_chain_is_one_node_with_one_result() -> None:
    b = Builder()
    x, bias = b.input("x", TensorType(F32, (4, 5))), b.input("bias", TensorType(F32, (5,)))
    y = F.relu(x + bias)
    graph = fused(y)
    assert ops(graph) == ["fused"] and graph[y.name].tensor == y.tensor
    assert graph[y.name].attr("space") == (4, 5) and graph[y.name].attr("tail") == 0


def test_a_softmax_is_one_node_of_rows() -> None:
    b = Builder()
    x = b.input("x", TensorType(F32, (40, 50)))
    e = F.exp(x - F.max(x, axis=1, keepdims=True))
    y = e / F.sum(e, axis=1, keepdims=True)
    graph = fused(y)
    assert ops(graph) == ["fused"] and graph[y.name].attr("tail") == 1


def test_a_sum_over_rows_ends_a_group() -> None:
    b = Builder()
    x = b.input("x", TensorType(F32, (40, 50)))
    square = x * x
    total = F.sum(square, axis=0)
    y = F.exp(square / total)
    assert ops(fused(y, total)) == ["fused", "fused"]


def test_no_path_leads_out_of_a_group_and_back() -> None:
    b = Builder()
    x = b.input("x", TensorType(F32, (4, 4)))
    a = F.exp(x)
    around = F.matmul(a, a)
    graph = fused(F.relu(a * 2 + around))
    assert ops(graph) == ["fused", "matmul", "fused"] or ops(graph) == ["exp", "matmul", "fused"]


def test_what_only_changes_axes_of_size_1_is_seen_through() -> None:
    b = Builder()
    x, s = b.input("x", TensorType(F32, (2, 3, 4, 4))), b.input("s", TensorType(F32, (3,)))
    scale = F.reshape(F.sqrt(s + 1), shape=(1, 3, 1, 1))
    mean = F.mean(x, axis=(2, 3), keepdims=True)
    graph = fused((x - mean) * scale)
    assert ops(graph) == ["fused", "reshape", "fused"]


def test_loops_are_fused_inside() -> None:
    inside = Builder()
    h, x = (inside.input(n, TensorType(F32, (3,))) for n in "hx")
    after = F.tanh(h + x)
    b = Builder()
    h0, xs = b.input("h0", TensorType(F32, (3,))), b.input("xs", TensorType(F32, (7, 3)))
    body = inside.graph([after.name])
    scan = b.add("scan", h0, xs, body=body, carries=1, sequences=1, length=7)
    graph = fused(scan.item(0))
    (region,) = graph[scan.name].regions
    assert ops(region) == ["fused"]
