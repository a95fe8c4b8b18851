"""The sizes of a graph that nothing feeds are chosen on the page, and go with the link."""

from urllib.parse import urlencode

from graphflow.studio.permalink import View, written
from graphflow.view.overview import Overview
from graphflow.view.workspace import Workspace
from tests.ui.explore_page import assert_good, opened, session

OPEN = """
graphflow: 1
name: open sizes
inputs: {x: [B, T], y: [T]}
nodes: {z: x * y, f: sum(z)}
"""


def overview(page) -> Overview:
    return next(a for a in reversed(session(page).answers.values()) if isinstance(a, Overview))


def test_open_sizes_are_chosen_and_kept():
    page = opened()
    session(page).workspace = Workspace(text=OPEN)
    page.run()
    assert overview(page).sizes == (("B", 2), ("T", 3))
    page.number_input(key="walk size T").set_value(5).run()
    assert_good(page)
    assert session(page).workspace.sizes == (("T", 5),)
    shapes = {leaf.name: leaf.shape for leaf in overview(page).editable}
    assert shapes == {"x": (2, 5), "y": (5,)}
    link = written(View(session(page).workspace))
    again = opened(**link)
    assert_good(again)
    assert overview(again).sizes == (("B", 2), ("T", 5)) and urlencode(link)


def test_a_size_that_is_not_open_is_refused():
    page = opened(**written(View(Workspace(text=OPEN, sizes=(("Q", 2),)))))
    assert not page.exception and "**GF033" in page.error[0].value
    page = opened(**written(View(Workspace(text=OPEN, sizes=(("B", 10**9),)))))
    assert not page.exception and "**GF033" in page.error[0].value


def test_where_the_file_says_what_is_fed_no_size_is_offered():
    page = opened(graph="mlp")
    assert overview(page).sizes == ()
