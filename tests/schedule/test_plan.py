from __future__ import annotations

from itertools import combinations

from hypothesis import given

from graphflow.autodiff import reverse
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType
from graphflow.ops import Builder, F
from graphflow.schedule.plan import make_plan
from tests.schedule.graphs import graphs, recurrence, tensor


def step(name: str, plan) -> int:
    return plan.steps[name]


@given(graphs(updates=True))
def test_every_node_runs_once_after_its_operands(graph: Graph) -> None:
    plan = make_plan(graph)
    assert sorted(plan.order) == sorted(graph.nodes)
    for node in graph:
        assert all(plan.steps[operand] < plan.steps[node.name] for operand in node.inputs)


@given(graphs(updates=True))
def test_living_buffers_never_overlap(graph: Graph) -> None:
    for a, b in combinations(make_plan(graph).buffers, 2):
        if a.nbytes and b.nbytes and a.lifetime.overlaps(b.lifetime):
            assert a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset


@given(graphs())
def test_without_reuse_every_value_has_memory_of_its_own(graph: Graph) -> None:
    plan = make_plan(graph, reuse=False)
    for a, b in combinations(plan.buffers, 2):
        assert a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset
    assert plan.arena_bytes >= plan.unplanned_bytes
    assert make_plan(graph).arena_bytes <= plan.arena_bytes


def chain(length: int, op: str) -> Graph:
    b = Builder()
    value = b.input("x", tensor(16))
    for _ in range(length):
        value = b.add(op, value)
    return b.graph([value.name])


def test_a_chain_of_elementwise_operators_lives_in_one_buffer() -> None:
    plan = make_plan(chain(20, "tanh"))
    assert len(plan.buffers) == 1 and plan.arena_bytes == 128
    assert plan.unplanned_bytes == 20 * 128


def test_a_chain_that_cannot_work_in_place_takes_two_buffers() -> None:
    plan = make_plan(chain(20, "cumsum"))
    assert plan.arena_bytes == 2 * 128


def test_a_training_chain_shares_memory() -> None:
    b = Builder()
    value = b.leaf("parameter", "w", tensor(4))
    for _ in range(3_000):
        value = F.sin(value)
    loss = F.sum(value)
    graph = reverse(b.graph([loss.name]), loss.name, ["w"])
    plan = make_plan(graph)
    assert plan.arena_bytes < plan.unplanned_bytes


def test_an_operand_is_not_overwritten_while_another_view_of_it_is_read() -> None:
    b = Builder()
    x = F.exp(b.input("x", tensor(4, 4)))
    y = x + F.transpose(x)
    plan = make_plan(b.graph([y.name]))
    assert plan.homes[x.name, 0] != plan.homes[y.name, 0]


def test_a_view_keeps_its_base_alive() -> None:
    b = Builder()
    base = F.cumsum(b.input("x", tensor(8)))
    part = F.slice(base, index=(("slice", 0, 2, 1),))
    other = F.cumsum(base)
    late = F.sum(F.cumsum(other))
    out = late + F.sum(part)
    plan = make_plan(b.graph([out.name]))
    assert part.name not in plan.lifetimes
    assert plan.lifetimes[base.name].last >= step(late.name, plan)
    assert base.name in plan.alive_at(step(late.name, plan))


def test_outputs_live_to_the_end() -> None:
    b = Builder()
    early = F.cumsum(b.input("x", tensor(8)))
    late = F.cumsum(F.cumsum(early))
    plan = make_plan(b.graph([early.name, late.name]))
    assert plan.lifetimes[early.name].last == len(plan.order)


def test_why_alive_names_the_backward_reader_and_its_twin() -> None:
    b = Builder()
    x = b.leaf("parameter", "x", tensor(4))
    y = F.exp(x)
    loss = F.sum(F.sin(y))
    graph = reverse(b.graph([loss.name]), loss.name, ["x"])
    plan = make_plan(graph)
    found = plan.why_alive(y.name, step(loss.name, plan))
    assert found and {r.phase for r in found} == {"backward"}
    assert y.name in {r.twin for r in found} | {graph.origin(r.name).twin for r in found}
    assert plan.why_alive(y.name, len(plan.order)) == []


def test_why_alive_follows_views() -> None:
    b = Builder()
    base = F.cumsum(b.input("x", tensor(2, 3)), axis=0)
    flat = F.reshape(base, shape=(6,))
    total = F.sum(flat)
    plan = make_plan(b.graph([total.name]))
    assert [r.name for r in plan.why_alive(base.name, step(base.name, plan))] == [total.name]


def test_largest_lists_values_and_leaves() -> None:
    b = Builder()
    x = b.input("x", tensor(100))
    y = F.expand_dims(x, axis=1) * x
    plan = make_plan(b.graph([F.sum(y).name]))
    assert plan.largest(2) == [(y.name, 80_000), ("x", 800)]


def test_uniform_arrays_take_one_element() -> None:
    b = Builder()
    ones = b.add("ones", shape=(1000, 1000), dtype=DType.FLOAT64)
    plan = make_plan(b.graph([F.sum(ones).name]))
    assert plan.fixed_bytes == 8 and plan.arena_bytes == 64


# -- regions ------------------------------------------------------------------------------------


def test_a_scan_runs_inside_the_arena() -> None:
    plan = make_plan(recurrence(5))
    (name,) = plan.regions
    (body,) = plan.regions[name]
    scratch = plan.buffers[plan.scratch[name]]
    assert scratch.lifetime.first == scratch.lifetime.last == plan.steps[name]
    assert scratch.nbytes >= body.arena_bytes
    assert body.graph.updates.keys() == {"h", "total"}
