"""``graphflow step`` inside of loops: time steps, and names of what runs in them."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.api import load
from graphflow.cli.stepping import way_through
from graphflow.runtime.loops import name_in_time
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace
from tests.cli.stepping import nodes

LOOPS = """
graphflow: 1
name: loops in a loop
inputs: {x: {shape: [3, 2]}}
params: {w: {shape: scalar, init: ones}}
nodes:
  rows:
    scan: {row: x}
    carry: {total: 0.0}
    nodes:
      inner:
        scan: {entry: row}
        carry: {part: 0.0}
        nodes: {grown: part + w * entry}
        next: {part: grown}
        reverse: true
      more: total + inner.final.part
    next: {total: more}
    collect: [more]
  loss: rows.final.total + sum(rows.more)
outputs: [loss]
check: [{feed: {x: [[1, 2], [3, 4], [5, 6]]}, expect: {loss: 55}, gradient_of: loss}]
"""


@pytest.fixture
def loops(tmp_path):
    """A file with a loop inside of another."""
    path = tmp_path / "loops.yaml"
    path.write_text(LOOPS)
    return path


def test_a_loop_is_one_step_and_its_time_steps_are_walked_when_asked_for(walk):
    folded = walk([], "nms")
    assert "in one step each: 'rounds' (4 time steps); --unroll rounds walks" in folded.err
    assert not [node for node in nodes(folded) if "/" in node]
    inside = walk([], "nms", "--unroll", "rounds")
    assert "in one step" not in inside.err
    assert [n for n in nodes(inside) if n.endswith("/rounds.best")] == [
        f"rounds@{time}/rounds.best" for time in range(4)
    ]
    assert [node for node in nodes(inside) if "/" not in node] == nodes(folded)


@pytest.mark.parametrize("unrolled", [("rows",), ("rows", "rows/rows.inner")])
def test_terminal_and_studio_walk_through_loops_alike(loops, unrolled):
    _, stepper = way_through(load(loops), None, None, {}, 0, unrolled).turns[0]
    recording = Study(Workspace(graph=str(loops), unrolled=unrolled)).recording
    assert list(stepper.order) == [name_in_time((ran.within, ran.node)) for ran in recording.ran]
    phases = [step.phase for step in recording.steps]
    for view, ran, phase in zip(stepper.run_to_end(), recording.ran, phases, strict=True):
        value = recording.turns[0].scopes[ran.within].values[ran.node]
        assert view.phase == phase
        assert np.array_equal(view.value, value) or isinstance(value, tuple)


def test_names_in_loops(walk, loops):
    inside = ("--unroll", "rows", "--unroll", "rows/rows.inner")
    more = "rows/rows.more"
    moves = [f"r {more}", f"r {more}", "b", "r rows@2/rows.inner@1/rows.inner.grown", "r loss"]
    answer = walk([f"w {more}", *moves, f"v {more}", "v rows@1/rows.more", "v rows@1/rows.total"],
                  loops, *inside)  # fmt: skip
    assert nodes(answer) == [
        "rows@0/rows.more", "rows@1/rows.more", "rows@1/rows.inner.final.part",
        "rows@2/rows.inner@1/rows.inner.grown", "loss",
    ]  # fmt: skip
    assert [line for line in answer.out.splitlines() if line.startswith(("rows", "    watch"))] == [
        "    watch rows/rows.more = 3", "    watch rows/rows.more = 10",
        "    watch rows/rows.more = not yet", "    watch rows/rows.more = not yet",
        "    watch rows/rows.more = 21",
        "rows/rows.more = 21", "rows@1/rows.more = 10", "rows@1/rows.total = 3",
    ]  # fmt: skip
    mistakes = walk(["r rows@3/rows.more", "v rows@0/rows.mor", f"v {more}"], loops, *inside).err
    assert "no node is called 'rows@3/rows.more'" in mistakes
    assert "did you mean 'rows@0/rows.more'" in mistakes and "has not run yet" in mistakes


def test_a_loop_of_training_is_walked_backward_too(walk):
    arguments = ("lstm", "--walk", "training", "--unroll", "lstm", "--set", "data.steps=3")
    answer = walk(["w", "r loss", "e"], *arguments)
    times = [node.split("@")[1][0] for node in nodes(answer) if node.startswith("lstm.vjp.scan@")]
    assert times == sorted(times, reverse=True) and set(times) == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["xyz", "--unroll", "loop"], "the walk has no loop over time"),
        (["nms", "--unroll", "round"], "did you mean 'rounds'?"),
        (["lstm", "--unroll", "lstm", "--set", "data.steps=900"], "more than 20,000 steps"),
    ],
)
def test_loops_that_are_not_walked_inside(walk, arguments, why):
    answer = walk([], *arguments)
    assert answer.code == 2 and why in answer.err
