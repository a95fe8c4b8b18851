from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import ui.gallery.opening
import ui.gallery.shelf
import ui.screens.gallery
from graphflow.studio.thumbnails import Thumbnails
from graphflow.view.cards import Thumbnail
from ui.state import KEY

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


class Gone(Exception):
    """Another page was shown."""


def show() -> None:
    from ui.screens import gallery

    gallery.page()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Thumbnails:
    """Pictures that come from nowhere."""
    folder = tmp_path_factory.mktemp("thumbnails")
    made = Thumbnails(lambda name: Thumbnail(5, 12, PICTURE, PICTURE, name), folder)
    made.begin({card.name: card.path for card in ui.gallery.shelf.all_cards()})
    made.wait()
    return made


@pytest.fixture
def visits(monkeypatch, pictures):
    """The pages that were gone to."""
    visited: list[str] = []
    monkeypatch.setattr(ui.gallery.shelf, "thumbnails", lambda: pictures)
    monkeypatch.setattr(ui.screens.gallery, "thumbnails", lambda: pictures)
    for module in (ui.screens.gallery, ui.gallery.opening):
        monkeypatch.setattr(module, "go", visited.append)
    return visited


@pytest.fixture
def page(visits) -> AppTest:
    page = AppTest.from_function(show, default_timeout=20).run()
    assert not page.exception
    return page


def shown(page: AppTest) -> list[str]:
    """The names of the graphs that have a card."""
    keys = (button.key or "" for button in page.button)
    return [key.split("-")[2] for key in keys if key.startswith("open-card-")]


def field(page: AppTest, label: str):
    return next(field for field in page.text_input if field.label == label)


def more(page: AppTest):
    return [button for button in page.button if button.label.startswith("Show more")]


def test_every_canned_graph_has_a_card_that_says_what_it_teaches(page):
    assert any("smallest graph with a chain rule" in text.value for text in page.markdown)
    while more(page):
        more(page)[0].click().run()
    assert shown(page) == [card.name for card in ui.gallery.shelf.all_cards()]
    captions = [caption.value for caption in page.caption]
    assert any(text.startswith("resnet18 ·") and "5 nodes" in text for text in captions)


def test_cards_come_a_page_at_a_time_and_a_search_begins_anew(page):
    first = ui.screens.gallery.AT_ONCE
    assert len(shown(page)) == first
    left = len(ui.gallery.shelf.all_cards()) - first
    assert more(page)[0].label == f"Show more: {left} are left"
    more(page)[0].click().run()
    assert len(shown(page)) == first + min(left, first)
    field(page, "Search").set_value("xyz").run()
    assert more(page) == [] and "xyz" in shown(page)
    field(page, "Search").set_value("").run()
    assert len(shown(page)) == first


def test_a_search_leaves_the_cards_that_speak_of_it(page):
    field(page, "Search").set_value("12.6 momentum").run()
    assert {"gd_2d", "momentum_2d"} <= set(shown(page)) and "gd_1d" not in shown(page)


def test_a_search_for_nothing_that_is_there_says_so_as_text(page):
    field(page, "Search").set_value("<b>zzz</b>").run()
    assert shown(page) == []
    assert "\\<b\\>zzz" in page.info[0].value


def test_a_topic_leaves_its_cards(page):
    next(group for group in page.button_group if group.label == "Topic").set_value("gan").run()
    cards = ui.gallery.shelf.all_cards()
    assert shown(page) == [card.name for card in cards if card.topic == "gan"]


def test_one_click_opens_a_graph_in_explore(page, visits):
    page.button(key="open-card-xyz-Backpropagation").click().run()
    assert visits == ["explore"]
    assert page.session_state[KEY].workspace.graph == "xyz"


def test_the_welcome_starts_with_the_smallest_graph(page, visits):
    page.button[0].click().run()
    assert visits == ["explore"]
    assert page.session_state[KEY].workspace.graph == "xyz"


def test_a_click_whose_run_is_cut_short_is_answered_by_the_next_run(page, visits, monkeypatch):
    def cut() -> None:
        raise InterruptedError

    with monkeypatch.context() as patched:
        patched.setattr(ui.screens.gallery, "_leave", cut)
        page.button[0].click().run()
        assert page.exception and visits == []
    page.run()
    assert visits == ["explore"]


def test_a_path_that_is_no_file_is_told(page, visits):
    field(page, "Path of a graph file").set_value("no/such.yaml")
    next(b for b in page.button if b.label == "Open").click().run()
    assert visits == [] and not page.exception
    assert "GF0" in page.error[0].value or "GF1" in page.error[0].value
