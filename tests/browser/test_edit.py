"""Edit in a browser: what is typed is judged at its line, and everything is done by keyboard."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.browser

SOON = 1.0
"""Seconds until an error that was typed is marked, on a machine that has nothing else to do."""
LATE = 10_000
START = 60_000
"""Milliseconds for the first page of a server that has just begun, beside other tests."""


@pytest.fixture
def page(visitor):
    """The smallest graph in the editor, which has the focus."""
    page = visitor.open()
    page.get_by_role("link", name="Edit").click()
    page.get_by_text("No problems").wait_for(timeout=START)
    page.locator(".cm-content").focus()
    return page


def at_the_end_of(page, text: str) -> None:
    page.locator(".cm-line", has_text=text).first.click()
    page.keyboard.press("End")


def focused(page) -> str:
    """The class of what has the focus, within components too."""
    return page.evaluate(
        """() => {
             let e = document.activeElement;
             while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
             return e.className; }"""
    )


def test_an_error_that_is_typed_is_marked_and_told_and_gone_when_mended(page):
    at_the_end_of(page, "q: x + y")
    page.wait_for_timeout(500)
    begun = time.monotonic()
    page.keyboard.type("y")
    page.locator(".cm-lintRange-error").wait_for(timeout=LATE)
    assert time.monotonic() - begun < SOON * 3
    page.get_by_text("GF020").wait_for()
    page.get_by_role("button", name="Line 16").wait_for()
    page.keyboard.press("Backspace")
    page.get_by_text("No problems").wait_for()
    page.locator(".cm-lintRange-error").wait_for(state="detached")


def test_typing_goes_on_while_the_answer_comes(page):
    at_the_end_of(page, "q: x + y")
    page.keyboard.type(" + 1 + 2 + 3 + 4", delay=60)
    page.wait_for_timeout(1500)
    assert page.locator(".cm-line", has_text="q: x").inner_text() == "  q: x + y + 1 + 2 + 3 + 4"
    page.keyboard.type(" + 5")
    page.wait_for_timeout(1500)
    assert page.locator(".cm-line", has_text="q: x").inner_text().endswith("+ 4 + 5")


def test_a_change_is_applied_by_keyboard_and_is_there_again_on_the_way_back(page):
    at_the_end_of(page, "f: q * z")
    page.keyboard.type(" + 1")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/explore*")
    page.get_by_role("link", name="Edit").click()
    page.locator(".cm-line", has_text="f: q * z + 1").wait_for()


def test_tab_indents_and_after_escape_it_leaves_the_editor(page):
    at_the_end_of(page, "q: x + y")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert "cm-content" in focused(page)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert "cm-content" not in focused(page)


def test_a_problem_in_the_list_leads_to_its_line(page):
    at_the_end_of(page, "f: q * z")
    page.keyboard.type("z")
    page.get_by_role("button", name="Line 17").wait_for()
    page.keyboard.press("Control+Home")
    page.get_by_role("button", name="Line 17").focus()
    page.keyboard.press("Enter")
    page.locator(".cm-activeLine", has_text="f: q * zz").wait_for()
    assert "cm-content" in focused(page)


def test_operators_and_keys_are_offered(page):
    at_the_end_of(page, "f: q * z")
    page.keyboard.type(" + tan")
    page.locator(".cm-tooltip-autocomplete").wait_for()
    assert "tanh" in page.locator(".cm-tooltip-autocomplete").inner_text()


def test_a_file_that_is_sent_is_put_into_the_editor_and_a_wrong_one_is_told(page, tmp_path):
    files = {"big": b"", "binary": bytes(range(256)), "latin": "name: größe".encode("latin-1")}
    files["good"] = b"{graphflow: 1, name: sent, inputs: {x: scalar}, nodes: {f: 2 * x}}"
    for name, held in files.items():
        (tmp_path / f"{name}.yaml").write_bytes(held)
    with (tmp_path / "big.yaml").open("r+b") as big:
        big.truncate(100_000_000)
    page.get_by_role("button", name="Open or begin").click()
    told = {"big": "File must be", "binary": "byte 129", "latin": "byte 9 has no meaning"}
    for name in files:
        page.locator("input[type=file]").set_input_files(tmp_path / f"{name}.yaml")
        if name != "big":
            page.get_by_role("button", name=f"Put {name}.yaml into the editor").click()
        if name in told:
            page.get_by_text(told[name]).first.wait_for()
            assert page.locator(".cm-line", has_text="q: x + y").count() == 1
    page.locator(".cm-line", has_text="name: sent").wait_for()
    page.wait_for_timeout(1000)
    assert page.locator(".cm-line", has_text="q: x + y").count() == 0


def test_the_editor_says_what_it_is(page):
    label = page.locator(".cm-content").get_attribute("aria-label")
    assert label == "YAML of xyz"


def test_the_line_of_the_cursor_lights_its_node_and_a_click_on_a_node_goes_to_its_line(page):
    selected = page.locator(".gf .node.sel")
    at_the_end_of(page, "q: x + y")
    selected.filter(has_text="x + y").wait_for()
    page.locator(".gf-here", has_text="q: x + y").wait_for()
    page.locator('.gf [data-node="f"]').click()
    page.locator(".gf-here", has_text="f: q * z").wait_for()
    assert selected.count() == 1 and selected.text_content().startswith("f")


def test_what_is_unsaved_outlives_another_page_and_a_reload(visitor):
    page = visitor.open("edit?graph=mlp_math")
    page.get_by_text("No problems").wait_for(timeout=START)
    page.get_by_role("heading", name="Edit mlp_math").wait_for()
    page.locator(".cm-line", has_text="name:").first.click()
    page.keyboard.press("End")
    page.keyboard.type(" of mine")
    written = page.locator(".cm-line", has_text="of mine")
    page.get_by_test_id("stTopNavLink").filter(has_text="Gallery").click()  # before Python knows
    page.get_by_text("See a model work").wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text="Edit").click()
    written.wait_for()
    page.get_by_text("changed", exact=True).wait_for()
    page.reload()
    written.wait_for(timeout=START)
    page.get_by_text("changed", exact=True).wait_for()
    page.get_by_role("button", name="Reset").click()
    written.wait_for(state="detached")
    page.reload()
    page.get_by_text("as it was").wait_for(timeout=START)
    page.wait_for_timeout(500)
    assert written.count() == 0
