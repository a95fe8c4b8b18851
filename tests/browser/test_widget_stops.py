"""Breakpoints in the widget stop where they stop on the page: one meaning of a drawn id."""

from __future__ import annotations

import pytest

from graphflow.view.study import Study
from graphflow.view.wire import wire_drawing
from graphflow.view.workspace import Look
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
