from __future__ import annotations

from hypothesis import given

from graphflow.ir.graph import Graph
from graphflow.ops import Builder, F
from graphflow.schedule.order import running_order
from graphflow.schedule.plan import make_plan
from tests.schedule.graphs import graphs, recurrence, tensor


@given(graphs())
def test_every_node_runs_once_after_its_operands(graph: Graph) -> None:
    order = running_order(graph)
    step = {name: i for i, name in enumerate(order)}
    assert sorted(order) == sorted(graph.nodes)
    for node in graph:
        assert all(step[operand] < step[node.name] for operand in node.inputs)


def test_a_node_that_reads_leaves_alone_runs_just_before_it_is_needed() -> None:
    b = Builder()
    x = b.input("x", tensor(3))
    mask = F.cumsum(x)
    out = F.sum(F.cumsum(F.cumsum(x * 2) * 3)) * mask
    order = running_order(b.graph([out.name]))
    assert order.index(mask.name) == order.index(out.name) - 1


def test_order_is_the_same_every_time() -> None:
    graph = recurrence(4)
    assert make_plan(graph).order == make_plan(graph).order
