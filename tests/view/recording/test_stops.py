"""Under which drawn ids a step is found: its node's, its place's and those of the groups around."""

import pytest

from graphflow.view.study import Study
from tests.view.stops import WALKED


@pytest.fixture(scope="module")
def steps():
    return Study(WALKED).steps


def forward(steps, id):
    return [s.node for s in steps if s.phase == "forward" and id in s.seen_at]


def test_a_name_inside_a_loop_is_that_of_every_time_step(steps):
    found = [s for s in steps if s.phase == "forward" and "sums/sums.now" in s.seen_at]
    assert [s.within for s in found] == [*((("sums", t),) for t in range(3)), ()]
    assert found[-1].id == "sums.now"  # handed out of the loop, seen where the loop makes it
    assert [s.within for s in steps if s.phase == "forward" and "sums.now" in s.seen_at] == [()]


def test_a_group_means_all_that_is_in_it(steps):
    assert forward(steps, "z") == ["z.z.transpose", "z.z.matmul", "z.z"]
    assert forward(steps, "sums")[:-2] == ["sums.now.mul", "sums.now"] * 3
    assert any("z" in s.seen_at for s in steps if s.phase == "backward")


def test_a_name_that_a_node_and_a_group_share_is_the_nodes(steps):
    y = next(s for s in steps if s.id == "y.double")
    assert y.block == ("y",)
    assert forward(steps, "y") == ["y"]


def test_the_gradient_of_what_a_loop_reads_is_found_at_its_box(steps):
    found = [s.id for s in steps if "w" in s.seen_at]
    assert found == [*["sums/w.grad"] * 3, "w.grad"]
