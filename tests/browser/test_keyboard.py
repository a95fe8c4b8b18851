"""Explore by keyboard alone, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .explore_page import PATIENCE, canvas, expect, opened, panel, said, says, still

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_everything_is_done_by_keyboard(visitor):
    """Pick the graph, step, open a group, read the panel: no mouse."""
    page = opened(visitor, "graph=resnet18")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(ACTIVE) == "canvas":
            break
    assert page.evaluate(ACTIVE) == "canvas"
    page.keyboard.press("ArrowRight")
    panel(page, re.compile(r"of \d+")).wait_for()
    page.keyboard.press("ArrowRight")
    assert said(page).startswith("2/")
    panel(page, re.compile(r"step 2 of")).wait_for()
    page.keyboard.press("n")
    says(page, "3/")
    page.keyboard.press("p")
    says(page, "2/")
    canvas(page).focus()
    for _ in range(30):
        if page.locator(".gf .node.cur.closed").count():
            break
        page.keyboard.press("ArrowRight")
    drawn = page.locator(".gf [data-node]").count()
    page.keyboard.press("Enter")  # the step is in a closed group
    expect(page, lambda: page.locator(".gf [data-node]").count() > drawn)


def test_a_cell_of_an_input_is_written_over_in_place(visitor):
    """What depends on the input is computed again, and its boxes are marked."""
    page = opened(visitor, "graph=linear_regression_scratch&cursor=0")
    page.get_by_role("button", name="Edit values").click()
    grid = page.get_by_test_id("stDataFrame").first
    grid.wait_for()
    box = still(page, grid)
    page.mouse.click(box["x"] + 40, box["y"] + 52)
    page.keyboard.type("7")
    page.locator("#portal input").wait_for()
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"the last: .*= 7$")).wait_for()
    page.keyboard.press("Escape")
    expect(page, lambda: page.locator(".gf .node.changed").count() > 0)


def test_a_stranger_walks_from_the_gallery_to_the_values_by_keyboard(visitor):
    """Pick, step, read, open the fields of the values: with keys alone, the focus always seen."""
    page = visitor.open()
    key_to(page, "Start with f = (x + y) z")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore*")
    canvas(page).wait_for(timeout=PATIENCE)
    page.locator(".gf .transport .step").wait_for()
    page.keyboard.press("n")
    says(page, "1/7")
    panel(page, re.compile("q = x")).wait_for()
    key_to(page, "Edit values")
    page.keyboard.press("Enter")
    page.get_by_role("spinbutton", name=re.compile("^x ")).wait_for()


def test_a_number_is_written_over_by_keyboard(visitor):
    """The fields get the focus with the popover, Tab goes round them, Escape leads back."""
    page = opened(visitor, "graph=xyz")
    key_to(page, "Edit values")
    page.keyboard.press("Enter")
    expect(page, lambda: page.evaluate(FOCUSED) == "x (input)")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.get_by_text("the last: x = 3").wait_for()
    for name in ("y (input)", "z (input)", "Undo", "Reset", "x (input)"):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == name
    page.keyboard.press("Escape")
    expect(page, lambda: "Edit values" in page.evaluate(FOCUSED))
    page.keyboard.press("n")
    says(page, "1/7.*q = x .* 8")  # 3 + 5


def test_cells_are_written_over_by_keyboard_one_after_the_other(visitor):
    """The table after an edit is another one, and its place among the fields is kept."""
    page = opened(visitor, "graph=linear_regression_scratch")
    key_to(page, "Edit values")
    page.keyboard.press("Enter")
    page.get_by_test_id("data-grid-canvas").wait_for()
    for number in ("7", "6"):
        for _ in range(12):
            if page.evaluate("document.activeElement.tagName") == "CANVAS":
                break
            page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        page.keyboard.type(number)
        page.locator("#portal input").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text(re.compile(rf"the last: .* = {number}$")).wait_for()


def key_to(page: Page, name: str) -> None:
    """Tab until a button of this name has the focus, which must be seen there."""
    page.get_by_role("button", name=name).wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.closest('button')?.innerText || ''"):
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(style) == "solid"
            return
    raise AssertionError(f"no way by Tab to {name}")


FOCUSED = """() => {
  const active = document.activeElement;
  return active.getAttribute('aria-label') || active.innerText;
}"""
ACTIVE = """() => {
  let active = document.activeElement;
  while (active && active.shadowRoot && active.shadowRoot.activeElement) {
    active = active.shadowRoot.activeElement;
  }
  return active ? active.className : '';
}"""
