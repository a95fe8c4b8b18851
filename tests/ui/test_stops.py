"""Breakpoints, watches and clicks by drawn ids, from the graph and from the panel."""

import pytest

from graphflow.view.study import Study
from tests.ui.explore_page import assert_good, opened, press, session, words
from tests.view.stops import WALKED


@pytest.fixture
def page():
    page = opened()
    session(page).workspace = WALKED
    page.session_state["explore_tab"] = "Watch"
    return page.run()


def index_of(id: str) -> int:
    return next(step.index for step in Study(WALKED).steps if step.id == id)


def run_to_breakpoint(page) -> int:
    press(page.run(), "run")
    assert_good(page)
    return session(page).cursor


def test_a_breakpoint_of_the_graph_on_a_closed_group_is_run_to(page):
    session(page).breakpoints = ("z",)
    assert run_to_breakpoint(page) == index_of("z.z.transpose")


def test_a_breakpoint_of_the_panel_inside_a_loop_is_run_to_in_every_time_step(page):
    page.multiselect(key="stops").select("sums/sums.now").run()
    assert [run_to_breakpoint(page) for _ in range(3)] == [1, 3, 5]


def test_the_panel_keeps_the_breakpoints_and_watches_of_the_graph(page):
    session(page).breakpoints, session(page).watches = ("z",), ("z", "sums/sums.s")
    page.run()
    page.multiselect(key="stops").select("f").run()
    page.multiselect(key="watched").select("y").run()
    assert_good(page)
    assert session(page).breakpoints == ("z", "f")
    assert session(page).watches == ("z", "sums/sums.s", "y")
    assert run_to_breakpoint(page) == index_of("z.z.transpose")


def test_a_value_inside_a_loop_is_watched_in_its_time_step_and_shown_when_clicked(page):
    """s = s / 2 + x over x = 1, 2, 3: 1, 2.5, 4.25."""
    session(page).watches = ("sums/sums.now",)
    page.run()
    seen = []
    for _ in range(6):
        press(page, "step")
        seen.append(words(page))
    assert "not there yet" in seen[0] and "not there yet" in seen[2]
    at = [next(n for n in ("1", "2.5", "4.25") if f"= `{n}`" in seen[i]) for i in (1, 3, 5)]
    assert at == ["1", "2.5", "4.25"]
    session(page).watches, session(page).selected = (), "sums/sums.now"
    page.session_state["explore_tab"] = "Now"
    page.run()
    assert "**sums/sums.now** = `4.25`" in words(page)
    assert "There is no value yet" not in words(page)


def test_a_watched_group_is_what_it_gives(page):
    session(page).watches = ("z",)
    press(page.run(), "last")
    assert "not there yet" not in words(page) and "**z**" in words(page)
