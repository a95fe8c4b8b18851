from __future__ import annotations

import numpy as np

from graphflow.ops import Builder, F
from graphflow.passes import fuse
from graphflow.schedule.plan import make_plan
from tests.schedule.executing import check
from tests.schedule.graphs import tensor

LARGE = (64, 64)


def parameters(*names: str) -> tuple[Builder, list]:
    b = Builder()
    return b, [b.leaf("parameter", name, tensor(*LARGE)) for name in names]


def test_a_large_elementwise_update_is_written_straight_into_the_leaf() -> None:
    b, (w,) = parameters("w")
    new = w - (w @ w) * 0.1
    plan = make_plan(b.graph([], {"w": new.name}))
    assert plan.ending.direct == {(new.name, 0): "w"}
    assert plan.order[-1] == new.name
    assert (new.name, 0) not in plan.homes


def test_the_plain_plan_writes_no_leaf_directly() -> None:
    b, (w,) = parameters("w")
    plan = make_plan(b.graph([], {"w": (w * 0.9).name}), reuse=False)
    assert not plan.ending.direct


def test_readers_of_a_leaf_run_before_it_is_overwritten() -> None:
    b, (m, w) = parameters("m", "w")
    new_m = m * 0.9 + w
    reads_old_m = w - F.sin(m) * F.cos(new_m)
    plan = make_plan(b.graph([], {"m": new_m.name, "w": reads_old_m.name}))
    direct = plan.ending.direct
    assert {name for name, _ in direct} & {reads_old_m.name, new_m.name}
    for (value, _), leaf in direct.items():
        for node in plan.graph:
            if leaf in node.inputs and node.name != value:
                assert plan.steps[node.name] < plan.steps[value]


def test_an_old_value_that_is_an_output_is_not_overwritten() -> None:
    b, (w,) = parameters("w")
    plan = make_plan(b.graph(["w"], {"w": (w * 0.5).name}))
    assert not plan.ending.direct


def test_leaves_that_need_each_other_are_not_both_overwritten() -> None:
    b, (u, v) = parameters("u", "v")
    plan = make_plan(b.graph([], {"u": (v * 1.5).name, "v": (u * 0.5).name}))
    assert len(plan.ending.direct) == 1


def test_a_swap_is_put_aside() -> None:
    b, _ = parameters("u", "v")
    plan = make_plan(b.graph([], {"u": "v", "v": "u"}))
    assert set(plan.staged) == {"u", "v"} and not plan.ending.direct


def test_work_that_only_the_end_needs_waits_for_it() -> None:
    b, (m, w) = parameters("m", "w")
    g = w @ w
    new_m = m * 0.9 + g * 0.1
    new_w = w - new_m * 0.5
    plan = make_plan(b.graph([], {"m": new_m.name, "w": new_w.name}))
    assert set(plan.ending.direct) == {(new_m.name, 0), (new_w.name, 0)}
    assert g.name not in plan.ending.nodes
    assert len(plan.ending.nodes) == 5
    assert plan.arena_bytes == 2 * np.prod(LARGE) * 8  # the gradient, and one product


def test_updates_that_are_fused_are_written_into_their_leaves_together() -> None:
    b, (m, w) = parameters("m", "w")
    new_m = m * 0.9 + w
    new_w = w - new_m * 0.1
    graph = fuse(b.graph([], {"m": new_m.name, "w": new_w.name}), lambda node, types: True)
    plan = make_plan(graph)
    assert sorted(plan.ending.direct.values()) == ["m", "w"] and not plan.staged
    assert len({name for name, _ in plan.ending.direct}) == 1 and not plan.arena_bytes
    check(graph)
