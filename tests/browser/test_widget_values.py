"""Values and gradients on the boxes, play that stops at large ones, and a picture that stays."""

from __future__ import annotations

import pytest

from graphflow.view.study import Study
from graphflow.view.wire import wire_drawing
from graphflow.view.workspace import Look, Workspace

from . import wires

pytestmark = pytest.mark.browser


def walked(graph: str, look: Look | None = None, **options: object) -> wires.Json:
    """The data of a canned graph."""
    study = Study(Workspace(graph=graph))
    drawing = study.drawing(look or Look())
    data = wires.wire(wire_drawing(drawing), study.schedule(), rev=drawing.rev)
    data["options"] = {**data["options"], **options}
    return data


def on(widget, name: str) -> list[str]:
    return widget.texts(widget.node(name, ".value"))


def test_values_and_gradients_come_and_go_with_the_cursor(show):
    widget = show(walked("xyz"))
    assert [on(widget, name) for name in "xyzqf"] == [
        ["-2", ""], ["5", ""], ["-4", ""], ["", ""], ["", ""],
    ]  # fmt: skip
    widget.press("ArrowRight")
    assert (on(widget, "q"), on(widget, "f")) == (["3", ""], ["", ""])
    widget.press("End")
    assert [on(widget, name) for name in "xyzqf"] == [
        ["-2", "∇ -4"], ["5", "∇ -4"], ["-4", "∇ 3"], ["3", "∇ -4"], ["-12", "∇ 1"],
    ]  # fmt: skip
    widget.press("ArrowLeft")
    assert on(widget, "y") == ["5", ""]
    widget.press("Home")
    assert (on(widget, "x"), on(widget, "f")) == (["-2", ""], ["", ""])


def test_a_closed_group_shows_what_it_gives_once_that_is_known(show):
    widget = show(walked("mlp", Look(opened=())))
    widget.press("End")
    shown = {name: on(widget, name) for name in ("logits", "loss")}
    assert shown["logits"][0].startswith("μ") and shown["logits"][1].startswith("‖∇‖")
    assert shown["loss"][1] == "∇ 1"
    widget.press("Home", "ArrowRight")
    assert on(widget, "logits") == ["", ""]


def test_play_stops_at_a_gradient_above_the_limit(show):
    """The gradients of f, z, q, x, y are 1, 3, -4, -4, -4."""
    widget = show(walked("xyz", stop_above=3))
    above = widget.page.get_by_label("stop where the norm of a gradient is above")
    assert above.input_value() == "3"
    widget.page.get_by_label("speed").select_option("60")
    play = widget.page.get_by_role("button", name="play (Space)")
    widget.press(" ")
    play.wait_for()
    assert "q.grad" in widget.step
    above.fill("2.5")
    above.press("Enter")
    assert widget.told("option")[-1] == {"name": "stop_above", "value": 2.5}
    widget.press("Home", " ")
    play.wait_for()
    assert "z.grad" in widget.step


def test_a_drawing_that_is_all_in_view_stays_where_it_is(show):
    widget = show(walked("xyz", height=460))
    sheet = widget.page.locator(".sheet")
    at = sheet.get_attribute("style")
    for _ in range(7):
        widget.press("ArrowRight")
        assert sheet.get_attribute("style") == at


def test_an_unrolled_loop_is_walked_from_copy_to_copy(show):
    """Unrolled by keyboard; h_next of the last time step is read at the end of the loop."""
    study = Study(Workspace(graph="lstm", unrolled=("lstm",)))
    look = Look(opened=("lstm",), spread=("lstm",))
    drawing = study.drawing(look)
    data = wires.wire(wire_drawing(drawing), study.schedule(), rev=drawing.rev)
    widget = show(data)
    widget.press("u")
    assert widget.told("toggle") == ["lstm@"]
    last = max(s.index for s in study.steps if s.id == "lstm/lstm.h_next")
    widget.give(cursor=last, move=1)
    assert widget.here == "lstm@31/lstm.h_next"
    carried = study.value(last, "lstm/lstm.h")
    assert on(widget, "lstm@31/lstm.h")[0] == f"μ {carried.mean():.2g} σ {carried.std():.2g}"
    assert on(widget, "lstm@0/lstm.c") == ["μ 0 σ 0", ""]
    assert on(widget, "lstm@0/lstm.x")[0] != on(widget, "lstm@1/lstm.x")[0]
    written = study.steps[last].written
    assert written is not None and written.text in on(widget, "lstm@31/lstm.h_next")
    widget.press("End")
    walked_back = (s for s in study.steps if s.phase == "backward" and s.place.startswith("lstm/"))
    back = next(s for s in walked_back if s.within == (("lstm", 1),))
    widget.give(cursor=back.index, move=2)
    assert widget.here.startswith("lstm@1/")
    widget.press("Home")
    assert widget.here == "" and on(widget, "lstm@31/lstm.h_next") == ["", ""]
    assert on(widget, "lstm@31/lstm.h") == ["", ""]
