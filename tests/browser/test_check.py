"""Check in a browser: four verdicts, and the way from a wrong value to its node."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser

WRONG = """graphflow: 1
name: wrong
inputs: {x: scalar}
nodes: {y: x * x, z: y + 1}
check: [{about: nine, feed: {x: 3}, expect: {y: 9, z: 11}}]
"""
BARE = "{graphflow: 1, name: b, params: {x: {shape: scalar, init: 3}}, nodes: {y: x * x}}"


def checks(page) -> None:
    page.set_default_timeout(60_000)
    page.get_by_test_id("stTopNavLink").filter(has_text="Check").click()
    page.get_by_role("button", name="Run all four checks").click()
    page.get_by_text("not run yet").first.wait_for(state="detached")


@pytest.mark.parametrize("graph", ["xyz", pytest.param("mlp", marks=pytest.mark.slow)])
def test_a_canned_graph_is_right(visitor, graph):
    page = visitor.open(f"explore?graph={graph}")
    page.set_default_timeout(60_000)
    page.locator(".gf .transport .step").wait_for()
    checks(page)
    page.get_by_text("all well").nth(3).wait_for()
    for title in ("Golden values", "Gradients", "Determinism", "Three plans"):
        page.get_by_role("heading", name=re.compile(title)).wait_for()


def test_a_file_without_golden_values_is_right_in_all_else(visitor):
    page = visitor.open()
    opened(page, BARE)
    checks(page)
    page.get_by_text("all well").nth(2).wait_for()
    page.get_by_text("nothing to check").wait_for()


def opened(page, text: str) -> None:
    """Send a file and open it."""
    page.set_default_timeout(60_000)
    page.get_by_role("button", name="Open a file").click()
    sent = {"name": "wrong.yaml", "mimeType": "application/yaml", "buffer": text.encode()}
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(sent)
    page.get_by_role("button", name="Open wrong.yaml").click()
    page.locator(".gf .transport .step").wait_for()


def test_a_wrong_golden_value_is_named_and_leads_to_its_node(visitor):
    page = visitor.open()
    opened(page, WRONG)
    checks(page)
    page.get_by_text("1 of 2 expected values is missed").wait_for()
    page.get_by_role("button", name="Open z in Explore").click()
    page.wait_for_url("**/explore*")
    page.locator(".gf .transport .step").wait_for()
    page.get_by_text("z = y + 1 = 9 + 1 = 10").first.wait_for()


def test_a_file_that_is_too_large_is_told(visitor, tmp_path):
    file = tmp_path / "large.yaml"
    with file.open("wb") as stream:
        stream.truncate(100 * 2**20)
    page = visitor.open()
    page.set_default_timeout(60_000)
    page.get_by_role("button", name="Open a file").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    page.get_by_text("A file of more than 1 MB is not taken").wait_for()
    page.get_by_text("large.yaml").wait_for()
    assert page.get_by_role("button", name="Open large.yaml").count() == 0
