"""Breakpoints in the widget stop where they stop on the page: one meaning of a drawn id."""

from __future__ import annotations

import pytest

from graphflow.view.study import Study
from graphflow.view.wire import wire_drawing
from graphflow.view.workspace import Look, Workspace
from tests.view.stops import WALKED

from . import wires

pytestmark = pytest.mark.browser
TICKS = "ticks => ticks.map((tick) => parseFloat(tick.style.left))"


@pytest.mark.parametrize("id", ["z", "y", "sums", "sums/sums.now", "sums.now", "w", "nothing"])
def test_a_breakpoint_stops_play_where_the_step_is_seen_at_it(show, id):
    study = Study(WALKED)
    marks = {"breakpoints": [id], "watched": [], "changed": {}, "failing": None}
    drawing = study.drawing(Look(opened=("sums",)))
    widget = show(wires.wire(wire_drawing(drawing), study.schedule(), marks=marks))
    count = len(study.steps)
    places = widget.page.locator(".tick.stop").evaluate_all(TICKS)
    stops = [round(place / 100 * count - 0.5) for place in places]
    assert stops == [step.index for step in study.steps if id in step.seen_at]


ROW = """
graphflow: 1
name: a row of equal blocks
inputs: {x: [2]}
blocks:
  twice:
    inputs: [u]
    nodes: {double: 2 * u, bent: double * double}
    outputs: [bent]
nodes:
  y: {from: x, through: [{repeat: 3, through: [twice]}]}
  f: sum(y)
outputs: [f]
check:
  - {feed: {x: [1, 2]}, expect: {f: 0}}
"""


def test_a_breakpoint_on_a_folded_row_stops_in_each_of_its_blocks_and_says_in_which(show):
    study = Study(Workspace(text=ROW))
    drawing = study.drawing(Look(opened=("y",)))
    (box,) = (node for node in drawing.nodes if node.folded > 1)
    assert len(box.row) == box.folded == 3
    widget = show(wires.wire(wire_drawing(drawing), study.schedule()))
    widget.press("Alt+ArrowDown", "Alt+ArrowDown", "b")
    assert widget.told("breakpoint") == [box.id]
    places = widget.page.locator(".tick.stop").evaluate_all(TICKS)
    stops = {round(place / 100 * len(study.steps) - 0.5) for place in places}
    inside = {step.index for step in study.steps if not step.seen_at.isdisjoint(box.row)}
    assert stops == inside
    forward = [step for step in study.steps if step.index in inside and step.phase == "forward"]
    widget.press("Home", *["ArrowRight"] * (forward[1].index + 1))
    assert widget.step.endswith(f"({box.row[1]}, block 2 of 3)")
