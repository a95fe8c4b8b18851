"""Popovers in a real browser: what lies beside an open one."""

from __future__ import annotations

import pytest

from .explore_page import canvas, opened

pytestmark = pytest.mark.browser

LEADS_TO = {"Train": "Start a training, or choose a run", "Gallery": "Continue with a run"}
"""What is read on a page that a link leads to, once it is whole."""


@pytest.mark.parametrize("link", LEADS_TO)
def test_a_link_clicked_beside_an_open_popover_leads_to_its_page(visitor, link):
    page = opened(visitor, "graph=xyz")
    page.get_by_role("button", name="Share").click()
    page.get_by_test_id("stPopoverBody").get_by_text("This view as a link").wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text=link).click()
    page.get_by_text(LEADS_TO[link]).first.wait_for()
    assert page.get_by_test_id("stPopoverBody").count() == 0
    assert canvas(page).count() == 0


def test_a_card_clicked_beside_an_open_popover_is_opened(visitor):
    page = visitor.open()
    page.get_by_role("button", name="Continue with a run").click()
    page.get_by_test_id("stPopoverBody").get_by_text("No run yet").wait_for()
    page.locator('[class*="st-key-card-xyz"] .stButton button').click()
    canvas(page).wait_for()
    assert page.get_by_test_id("stPopoverBody").count() == 0
