"""The graph widget alone: stepping, playing, and what it and its host tell each other."""

from __future__ import annotations

import pytest

from . import wires
from .widget_page import Widget

pytestmark = pytest.mark.browser


# -- stepping ------------------------------------------------------------------------------------
def test_right_steps_to_the_known_value_and_the_known_gradients(show):
    widget = show(wires.xyz())
    said = []
    for _ in range(9):
        widget.press("ArrowRight")
        said.append((widget.here, widget.step))
    assert said[4] == ("f", "5/9 forward: f = q × z = -12")
    assert [text.rsplit(" ", 1)[1] for _, text in said[5:]] == ["-4", "3", "-4", "-4"]
    assert [here for here, _ in said[5:]] == ["q", "z", "x", "y"]


def test_a_backward_step_lights_its_edge_the_other_way(show):
    widget = show(wires.xyz(cursor=7))
    lit = widget.page.locator(".edge.on")
    assert lit.count() == 1
    assert "backward" in (lit.get_attribute("class") or "")
    assert lit.get_attribute("marker-start")
    assert lit.get_attribute("marker-end") is None
    assert widget.texts(".badge") == ["◀ backward"]
    widget.press("Home")
    assert lit.count() == 0
    assert widget.page.locator(".edge:not([marker-end])").count() == 0


def test_a_forward_step_lights_all_edges_into_its_box(show):
    assert show(wires.xyz(cursor=2)).page.locator(".edge.on.forward").count() == 2


def test_what_is_done_is_marked_and_unmarked_on_the_way_back(show):
    widget = show(wires.xyz())
    widget.press("End")
    assert [widget.texts(widget.node(name, ".state")) for name in "xq"] == [["✓∇"], ["✓∇"]]
    widget.press(*["ArrowLeft"] * 3)
    assert (widget.texts(widget.node("x", ".state")), widget.here) == (["✓"], "q")
    widget.press("Home")
    assert widget.texts(".state") == [""] * 5
    assert widget.step == "0/9 before the first step"


def test_a_click_opens_a_closed_group_and_with_shift_only_selects_it(show):
    widget = show(wires.grouped())
    box = widget.page.locator(widget.node("b"))
    box.click(modifiers=["Shift"])
    assert "sel" in widget.classes("b") and widget.told("toggle") == []
    widget.press("b", "w")
    assert (widget.told("breakpoint"), widget.told("watch")) == (["b"], ["b"])
    box.click()
    assert widget.told("toggle") == ["b"]


def test_a_closed_group_lights_up_and_counts(show):
    widget = show(wires.grouped())
    widget.press(*["ArrowRight"] * 6)
    assert widget.here == "b"
    assert widget.texts(widget.node("b", ".state")) == ["2/3"]
    widget.press("ArrowRight")
    assert widget.texts(widget.node("b", ".state")) == ["✓"]
    widget.press("ArrowRight", "ArrowRight")
    assert widget.texts(widget.node("b", ".state")) == ["◀1/3"]


def test_an_open_group_is_framed_while_a_member_runs(show):
    widget = show(wires.grouped(cursor=2))
    assert widget.page.locator(".frame.in").count() == 1


def test_an_update_is_told_apart(show):
    widget = show(wires.grouped())
    widget.press("End")
    assert widget.texts(".badge") == ["✎ update"]
    assert {"cur", "update"} <= widget.classes("a/linear")


@pytest.mark.parametrize(
    ("stride", "ends"),
    [
        ("node", [0, 1, 2, 3]),
        ("block", [0, 1, 3, 6, 7, 10, 12, 13, 14]),
        ("pass", [7, 13, 14, 14]),
        ("iteration", [14]),
    ],
)
def test_a_stride_ends_where_its_kind_says(show, stride, ends):
    widget = show(wires.grouped())
    widget.page.get_by_label("how far a step goes").select_option(stride)
    reached = []
    for _ in ends:
        widget.press("ArrowRight")
        reached.append(int(widget.step.split("/")[0]) - 1)
    assert reached == ends


def test_strides_back_end_where_strides_on_do(show):
    widget = show(wires.grouped(cursor=10))
    widget.press("Shift+ArrowLeft")
    assert widget.step.startswith("8/")
    widget.press("Shift+ArrowLeft", "Shift+ArrowLeft")
    assert widget.step.startswith("4/")


def test_past_the_end_of_an_iteration_the_next_is_asked_for(show):
    widget = show(wires.xyz(cursor=8))
    widget.page.get_by_label("how far a step goes").select_option("iteration")
    widget.press("ArrowRight")
    assert widget.told("iterate") == [1]
    widget.press("Home", "ArrowLeft")
    assert widget.told("iterate") == [1, -1]


def test_visits_of_one_node(show):
    widget = show(wires.xyz(cursor=2))
    widget.press("]")
    assert widget.step.startswith("6/9 backward: q.grad")
    widget.press("[")
    assert widget.step.startswith("3/9")


# -- playing -------------------------------------------------------------------------------------
def play(widget: Widget) -> str:
    """Play as fast as it goes until it stops by itself."""
    widget.page.get_by_label("speed").select_option("60")
    widget.press(" ")
    widget.page.get_by_role("button", name="play (Space)").wait_for()
    return widget.step


def test_play_runs_to_the_end(show):
    assert play(show(wires.xyz())).startswith("9/9")


def test_play_stops_at_a_breakpoint_and_goes_on_after_it(show):
    widget = show(wires.xyz(cursor=2))
    widget.press("b", "Home")
    assert widget.told("breakpoint") == ["q"]
    assert widget.page.locator(".tick.stop").count() == 2
    assert [play(widget)[:3], play(widget)[:3], play(widget)[:3]] == ["3/9", "6/9", "9/9"]


def test_play_stops_at_the_first_nan_unless_told_not_to(show):
    widget = show(wires.grouped())
    assert play(widget).startswith("7/15")
    widget.press("Home")
    widget.page.get_by_label("stop at NaN").uncheck()
    assert play(widget).startswith("15/15")


def test_the_scrubber_moves_the_cursor(show):
    widget = show(wires.xyz())
    widget.page.get_by_label("step", exact=True).fill("4")
    assert widget.here == "f"


# -- what the host hears and says -----------------------------------------------------------------
def test_the_cursor_is_told_at_once_and_at_last(show):
    widget = show(wires.large(60))
    widget.press("ArrowRight")
    assert widget.told("cursor") == [0]
    widget.press(*["ArrowRight"] * 29)
    told = widget.told("cursor", 200)
    assert told[-1] == 29
    assert len(told) < 30


def test_an_echo_does_not_move_the_cursor_but_a_move_does(show):
    widget = show(wires.xyz())
    widget.press(*["ArrowRight"] * 5)
    widget.give(cursor=1)
    assert widget.here == "f"
    widget.give(cursor=1, move=1)
    assert widget.here == "y"


def test_what_is_missing_is_asked_for_once(show):
    data = {**wires.xyz(), "rev": "d2", "schedule_rev": "s1"}
    drawing, schedule = data.pop("drawing"), data.pop("schedule")
    widget = show(data)
    widget.give()
    assert widget.told("need") == ["drawing schedule"]
    widget.give(drawing=drawing, schedule=schedule)
    widget.press("ArrowRight")
    assert (widget.here, widget.told("need")) == ("x", ["drawing schedule"])


def test_another_drawing_keeps_the_cursor_and_the_place_on_the_screen(show):
    widget = show(wires.grouped(cursor=2))
    before = widget.page.locator(widget.node("a/linear")).bounding_box()
    other = wires.grouped()["drawing"]
    for node in other["nodes"]:
        node["y"] += 300
    widget.give(rev="d2", drawing=other)
    after = widget.page.locator(widget.node("a/linear")).bounding_box()
    assert widget.here == "a/linear"
    assert abs(after["y"] - before["y"]) < 2


def test_no_schedule_means_no_transport(show):
    widget = show(wires.xyz(schedule=None))
    assert not widget.page.locator(".transport").is_visible()
    widget.press("ArrowRight", "b", " ", "]", "Enter")
    assert widget.told("cursor") == []


def test_a_drawing_of_nothing_says_so(show):
    empty = {"w": 0, "h": 0, "dir": "TB", "nodes": [], "groups": [], "edges": [], "shown": {},
             "copies": {}}  # fmt: skip
    widget = show(wires.xyz(drawing=empty, schedule=None))
    assert widget.page.get_by_text("Nothing is drawn yet.").is_visible()


def test_leaving_ends_it(show):
    widget = show(wires.xyz())
    widget.press(" ")
    widget.page.evaluate("document.body.replaceChildren(); close(); sent.length = 0")
    assert widget.told("cursor", 900) == []
