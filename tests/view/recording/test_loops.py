"""Inside loops: one step for each node of the body and each time step, forward and backward."""

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.view.study import Study
from graphflow.view.workspace import Look, Workspace

SUMS = """
graphflow: 1
name: a loop
inputs: {x: [T], w: scalar}
nodes:
  sums:
    scan: {x_t: x}
    carry: {s: 0.0}
    nodes:
      more: w * s + x_t
    next: {s: more}
    collect: [more]
  f: sum(sums.more ** 2)
outputs: [f]
check:
  - {feed: {x: [1, 2, 3], w: 0.5}, expect: {f: 0}}
"""


@pytest.fixture(scope="module")
def study() -> Study:
    folded = Study(Workspace(text=SUMS))
    (loop,) = folded.overview().loops
    assert loop.length == 3
    return Study(Workspace(text=SUMS, unrolled=(loop.name,)))


def parts(value):
    return value if isinstance(value, tuple) else (value,)


def inside(study: Study, phase: str, node: str) -> dict[int, float]:
    """A node's value in each time step, in the order of running."""
    return {
        step.within[0][1]: float(study.value(step.index, step.id))
        for step in study.steps
        if step.within and step.phase == phase and step.node == node
    }


def test_each_time_step_has_its_own_values(study):
    more = inside(study, "forward", "sums.more")
    assert more == {0: 1.0, 1: 2.5, 2: 4.25}  # s' = s / 2 + x


def test_a_time_step_begins_with_its_element_and_what_is_carried_on(study):
    brought = {s.within[0][1]: {w.at: w.text for w in s.brought} for s in study.steps if s.brought}
    assert brought == {
        0: {"sums/sums.x_t": "1", "sums/sums.s": "0"},
        1: {"sums/sums.x_t": "2", "sums/sums.s": "1"},
        2: {"sums/sums.x_t": "3", "sums/sums.s": "2.5"},
    }


def test_the_loop_itself_follows_its_insides(study):
    nodes = [(s.node, [t for _, t in s.within]) for s in study.steps]
    loop = next(i for i, s in enumerate(study.steps) if s.op == "scan")
    assert nodes[loop - 1][1] == [2]
    assert {s.within[0][0] for s in study.steps if s.within} == {study.steps[loop].node}


def test_gradients_run_back_through_time(study):
    back = [s for s in study.steps if s.within and s.phase == "backward"]
    assert [t for ((_, t),) in dict.fromkeys(s.within for s in back)] == [2, 1, 0]
    s, w, grads, carried = [1.0, 2.5, 4.25], 0.5, {}, 0.0
    for t in (2, 1, 0):  # d f / d s_t = 2 s_t + w d f / d s_t+1
        carried = grads[t] = 2 * s[t] + w * carried
    found = {
        step.within[0][1]: study.value(step.index, step.id)
        for step in back
        if step.node == "sums.more.grad" or step.node.startswith("sums.more.cotangent")
    }
    total = sum(grads[t] * ([0.0, *s][t]) for t in range(3))
    last = len(study.steps) - 1
    np.testing.assert_allclose(study.value(last, "w.grad"), total)
    for t, value in found.items():
        np.testing.assert_allclose(value, grads[t])


def test_backward_steps_inside_are_seen_in_the_forward_body(study):
    places = {s.place for s in study.steps if s.within and s.phase == "backward"}
    forward = {s.place for s in study.steps if s.within and s.phase == "forward"}
    assert places
    loop = next(iter(forward)).split("/")[0]
    assert all(place == loop or place.startswith(f"{loop}/") for place in places)


def test_values_around_the_loop_are_known_inside(study):
    step = next(s for s in study.steps if s.within)
    np.testing.assert_array_equal(study.value(step.index, "x"), [1, 2, 3])


def test_a_drawn_id_means_the_same_time_step_and_after_the_loop_the_last_one(study):
    (loop,) = study.workspace.unrolled
    more, last = f"{loop}/sums.more", len(study.steps) - 1
    shown = {}
    for step in study.steps:
        if step.within and step.node == "sums.more":
            shown[step.within[0][1]] = float(study.shown(more, step.index).text)
        if step.node == "f":
            assert study.shown(more, step.index).text == "4.25"
    assert shown == {0: 1.0, 1: 2.5, 2: 4.25}
    back = [s for s in study.steps if s.within and s.phase == "backward"]
    assert {s.within[0][1]: study.shown(more, s.index).text for s in back} == {
        2: "4.25", 1: "2.5", 0: "1"
    }  # fmt: skip
    assert study.shown(more, last).text == "1"  # the way back ends in the first time step


def test_what_has_not_run_and_what_is_not_walked_is_told(study):
    (loop,) = study.workspace.unrolled
    first = next(s for s in study.steps if s.id == f"{loop}/sums.more")
    with pytest.raises(GraphflowError, match="has not run yet"):
        study.shown(first.id, first.index - 1)
    with pytest.raises(GraphflowError, match=f"go to step {first.index + 1}$"):
        study.shown(first.id, -1)
    with pytest.raises(GraphflowError, match="were not walked"):
        Study(Workspace(text=SUMS)).shown(first.id, 2)
    with pytest.raises(GraphflowError, match=f"no node is called '{loop}/mor'"):
        study.shown(f"{loop}/mor", first.index)


def test_a_slice_inside_a_loop_is_asked_for_by_its_drawn_id():
    study = Study(Workspace(graph="lstm", unrolled=("lstm",)))
    step = next(s for s in study.steps if s.id == "lstm/lstm.i.all")
    parts, (operand,) = study.detail(step.index).value, study.detail(step.index).operands
    assert [part.id for part in parts] == [""] * 4  # the parts of one node's result have none
    assert operand.id == "lstm/lstm.i.all.add2"
    assert study.shown(operand.id, step.index).text == operand.text


def test_walking_inside_changes_no_number(study):
    folded = Study(Workspace(text=SUMS))
    for name, value in folded.recording.turns[0].values.items():
        same = study.recording.turns[0].values[name]
        for a, b in zip(parts(value), parts(same), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_loops_inside_loops_are_walked():
    loops = tuple(loop.name for loop in Study(Workspace(graph="translator")).overview().loops)
    assert any("/" in name for name in loops)
    study = Study(Workspace(graph="translator", unrolled=loops))
    assert max(len(step.within) for step in study.steps) == 2
    assert all(study.value(step.index, step.id) is not None for step in study.steps)


def test_a_copy_of_the_body_means_its_own_time_step(study):
    """The value is that of time 0 wherever the walk is; a breakpoint stops there alone."""
    (loop,) = study.workspace.unrolled
    steps, more = study.steps, f"{loop}@0/sums.more"
    last = next(s for s in steps if s.id == f"{loop}/sums.more" and s.within[0][1] == 2)
    assert study.shown(more, last.index).text == "1"
    assert study.shown(f"{loop}@1/sums.more", last.index).text == "2.5"
    first = next(s for s in steps if s.within == ((loop, 0),))
    with pytest.raises(GraphflowError, match="has not run yet"):
        study.shown(f"{loop}@2/sums.more", first.index)
    stops = [s for s in steps if s.is_seen_at([more])]
    assert stops and {s.within for s in stops} == {((loop, 0),)}


def test_marks_stand_in_the_copy_of_their_time(study):
    """s' = s / 2 + x of 1, 2, 3 is 1, 2.5, 4.25."""
    (loop,) = study.workspace.unrolled
    marks = study.overlay("values", Look(opened=(loop,), spread=(loop,))).marks
    assert [marks[f"{loop}@{t}/sums.more"].text for t in range(3)] == ["1", "2.5", "4.25"]
