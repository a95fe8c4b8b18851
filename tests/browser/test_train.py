"""Train in a browser: a training is watched, ruled, kept and resumed, and outlives its page."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser

LATE = 60_000
"""Milliseconds at most for what starts a process, beside other tests."""
ENDLESS = "train.epochs=10000"


@pytest.fixture
def page(visitor):
    """The page with the form of a small network."""
    page = visitor.open("explore?graph=mlp")
    page.set_default_timeout(LATE)
    page.locator(".gf .transport .step").wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text="Train").click()
    page.get_by_role("textbox", name="Further changes").fill(ENDLESS)
    page.keyboard.press("Tab")
    return page


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def await_state(page, state: str) -> None:
    page.get_by_test_id("stMarkdownContainer").get_by_text(re.compile(f"^{state}$")).wait_for()


def updates(page) -> int:
    shown = page.get_by_test_id("stMetricValue").first.inner_text()
    return int(shown.split(" of ")[0].replace(",", ""))


def moments(page):
    return page.get_by_role("button", name=re.compile(r"step [\d,]+$"))


def test_a_training_is_watched_ruled_kept_and_resumed(page, visitor):
    press(page, "Start")
    await_state(page, "running")
    page.locator("[data-testid=stVegaLiteChart] .mark-line path").first.wait_for()
    press(page, "Pause")
    await_state(page, "paused")
    page.wait_for_timeout(1500)
    before = updates(page)
    press(page, "One step")
    page.wait_for_function(
        "n => document.querySelector('[data-testid=stMetricValue]').innerText.startsWith(n)",
        arg=f"{before + 1:,}",
    )
    press(page, "Snapshot")
    moments(page).wait_for()
    page.wait_for_timeout(1500)
    assert updates(page) == before + 1 and moments(page).count() == 1
    run = page.get_by_role("heading", name=re.compile(r"^mlp-")).inner_text()
    page.close()

    page = visitor.open("train")
    page.set_default_timeout(LATE)
    page.get_by_role("button", name=re.compile(f"{run}.*paused")).click()
    await_state(page, "paused")
    press(page, "Go on")
    await_state(page, "running")
    press(page, "Stop")
    await_state(page, "stopped")
    press(page, "Resume")
    await_state(page, "running")
    moments(page).first.click()
    page.wait_for_url("**/explore*")
    page.locator(".gf .transport .step").wait_for()
