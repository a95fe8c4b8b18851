"""Train in a browser: a training is watched, ruled, kept and resumed, and outlives its page."""

from __future__ import annotations

import os
import re
import statistics
import time
from contextlib import suppress
from functools import partial

import psutil
import pytest

pytestmark = pytest.mark.browser

LATE = 60_000
"""Milliseconds at most for what starts a process, beside other tests."""
SOON = 1.0
"""Seconds from a click to what it does, on a machine that is not busy with other things."""
ENDLESS = "train.epochs=10000"


@pytest.fixture(autouse=True)
def ended():
    """No training outlives its test."""
    yield
    for process in trainers():
        process.kill()


@pytest.fixture
def page(visitor):
    """The page with the form of a small network."""
    return form(visitor)


def form(visitor, changes: str = ENDLESS):
    page = visitor.open("explore?graph=mlp")
    page.set_default_timeout(LATE)
    page.locator(".gf .transport .step").wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text="Train").click()
    page.get_by_role("textbox", name="Further changes").fill(changes)
    page.keyboard.press("Tab")
    return page


def named(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def twice(page, name: str) -> None:
    """Two clicks, so far apart that the page may be drawn anew between them."""
    press(page, name)
    page.mouse.down()
    page.wait_for_timeout(120)
    page.mouse.up()


def press(page, name: str) -> None:
    named(page, name).click()


def await_state(page, state: str) -> None:
    page.get_by_test_id("stMarkdownContainer").get_by_text(re.compile(f"^{state}$")).wait_for()


def await_updates(page, text: str) -> None:
    page.wait_for_function(
        "n => document.querySelector('[data-testid=stMetricValue]').innerText.startsWith(n)",
        arg=text,
    )


def updates(page) -> int:
    shown = page.get_by_test_id("stMetricValue").first.inner_text()
    return int(shown.split(" of ")[0].replace(",", ""))


def moments(page):
    return page.get_by_role("button", name=re.compile(r"^(?!.*last).*update [\d,]+$"))


def runs(page):
    return page.get_by_role("button", name=re.compile(r"mlp-\d{8}-.* · "))


def run_of(page) -> str:
    return page.get_by_role("heading", name=re.compile(r"^mlp-")).inner_text()


def began(page, state: str = "running") -> None:
    press(page, "Start")
    await_state(page, state)


def shows(page, state: str):
    return partial(await_state, page, state)


def took(click, page, name: str, until) -> float:
    """Seconds from a click to what it does."""
    begun = time.monotonic()
    click(page, name)
    until()
    return time.monotonic() - begun


def trainers() -> list[psutil.Process]:
    """The processes that train, of this test's studio."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it is ending just now
            found += [process] * any("studio.trainer" in word for word in process.cmdline())
    return found


@pytest.mark.slow
def test_a_training_is_watched_ruled_kept_and_resumed(page, visitor):
    began(page)
    page.locator("[data-testid=stVegaLiteChart] .mark-line path").first.wait_for()
    press(page, "Pause")
    await_state(page, "paused")
    page.wait_for_timeout(1500)
    before = updates(page)
    press(page, "One step")
    await_updates(page, f"{before + 1:,}")
    press(page, "Snapshot")
    moments(page).wait_for()
    page.wait_for_timeout(1500)
    assert updates(page) == before + 1 and moments(page).count() == 1
    run = run_of(page)
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


@pytest.mark.slow
def test_each_click_takes_effect_at_once_and_once_and_so_does_a_double_click(page):
    known = runs(page).count()
    late = [took(twice, page, "Start", runs(page).nth(known).wait_for)]
    await_state(page, "running")
    for click in (press, twice):
        late.append(took(click, page, "Pause", shows(page, "paused")))
        page.wait_for_timeout(1200)  # the page has drawn what came last
        await_state(page, "paused")
        next_one = partial(await_updates, page, f"{updates(page) + 1:,}")
        late.append(took(press, page, "One step", next_one))
        late.append(took(click, page, "Go on", shows(page, "running")))
    late.append(took(twice, page, "Stop", shows(page, "stopped")))
    page.wait_for_timeout(800)
    await_state(page, "stopped")
    assert runs(page).count() == known + 1 and not trainers()
    if os.getloadavg()[0] < 2 * (os.cpu_count() or 1):
        assert statistics.median(late) < SOON, late


def test_a_trainer_that_is_killed_is_told_and_gone_on_with(page):
    began(page)
    press(page, "Pause")  # writes a checkpoint
    await_state(page, "paused")
    press(page, "Go on")
    await_state(page, "running")
    (process,) = trainers()
    process.kill()
    await_state(page, "killed")
    page.get_by_text("ended by the signal SIGKILL").first.wait_for()
    told = page.get_by_text(re.compile(r"its last checkpoint is of update [\d,]+")).inner_text()
    kept = int(re.search(r"of update ([\d,]+)", told)[1].replace(",", ""))
    assert kept > 0
    page.get_by_role("button", name=f"last checkpoint, update {kept:,}").wait_for()
    press(page, "Resume")
    await_state(page, "running")
    page.locator("[data-testid=stVegaLiteChart] .mark-line path").first.wait_for()
    press(page, "Stop")
    await_state(page, "stopped")
    assert updates(page) > kept


def test_what_is_not_finite_is_told_with_its_step_and_found_with_its_node(visitor):
    page = form(visitor, "train.optimizer=sgd(lr=1e30)")
    began(page, "failed")
    page.get_by_text(re.compile(r"^GF062 .* in step \d")).wait_for()
    page.get_by_text("run again with 'Stop at the first NaN'").wait_for()
    page.get_by_text("Stop at the first NaN", exact=True).last.click()
    press(page, "Resume")
    page.get_by_text(re.compile("GF062 .* is the first value that is not finite")).first.wait_for()


def test_two_visitors_see_one_training(page, visitor):
    other = visitor.open("train")
    other.set_default_timeout(LATE)
    other.get_by_text("Open a graph in the gallery first").wait_for()
    known = runs(other).count()
    began(page)
    runs(other).nth(known).wait_for()
    other.get_by_role("button", name=re.compile(run_of(page))).click()
    await_state(other, "running")
    press(other, "Pause")
    await_state(page, "paused")
    press(page, "Stop")
    await_state(other, "stopped")
    other.locator("[data-testid=stVegaLiteChart] .mark-line path").first.wait_for()


def test_what_a_beam_keeps_and_drops_is_a_tree_among_the_figures_of_its_run(visitor):
    page = visitor.open("explore?graph=beam_search")
    page.set_default_timeout(LATE)
    page.locator(".gf .transport .step").wait_for()
    page.get_by_test_id("stTopNavLink").filter(has_text="Train").click()
    began(page, "complete")
    page.get_by_text("The file's figures").click()
    words = page.locator(".js-plotly-plot .textpoint text")
    words.first.wait_for()
    texts = words.evaluate_all("all => all.map(each => each.textContent)")
    assert len(texts) == 25 + 2 and {"C -1.05", "E -1.56", "D -2.07", "-0.909"} <= {*texts}
    legend = page.locator(".js-plotly-plot .legendtext").evaluate_all(
        "all => all.map(each => each.textContent)"
    )
    assert legend == ["dropped", "kept", "best"]
