"""The gallery in a browser: cards with pictures, found and opened by keyboard alone."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_card_has_a_picture_that_says_what_it_shows(visitor, scheme):
    page = visitor.open(scheme=scheme)
    picture = page.locator('[class*="st-key-card-xyz"] img[alt*="The graph of"]')
    picture.wait_for(timeout=60_000)
    assert picture.evaluate("image => image.naturalWidth") > 0
    assert "x" in picture.get_attribute("alt")


def test_a_graph_is_searched_and_opened_by_keyboard(visitor):
    page = visitor.open()
    page.get_by_role("searchbox").or_(page.get_by_label("Search")).first.focus()
    page.keyboard.type("bahdanau")
    page.get_by_text(re.compile(r"^[1-9] of ")).wait_for()
    opens = page.locator('[class*="st-key-card-translator"] .stButton button')
    opens.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore*")


def test_a_whole_card_is_clicked(visitor):
    page = visitor.open()
    card = page.locator('[class*="st-key-card-xyz"]').first
    card.locator("img").wait_for()
    box = card.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 20, box["y"] + box["height"] - 12)
    page.wait_for_url("**/explore*")


def test_the_first_graph_opens_however_soon_it_is_clicked(visitor):
    for _ in range(3):
        page = visitor.open()
        page.get_by_role("button", name="Start with").click()
        page.wait_for_url("**/explore*")
