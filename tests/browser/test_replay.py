"""A replay opened from a disk: it steps, explains, opens groups, and calls nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graphflow.view import replay as module
from graphflow.view.study import Study
from graphflow.view.workspace import Look, Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture
def replay(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    complaints: list[str] = []
    pages: list[Page] = []

    def opened(workspace: Workspace, cursor: int = -1) -> Page:
        file = tmp_path / "replay.html"
        file.write_bytes(Study(workspace).replay(Look(), cursor))
        page = chromium.new_page(viewport={"width": 1280, "height": 820})
        page.set_default_timeout(20_000)
        pages.append(page)
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: not r.url.startswith(("file:", "blob:", "data:"))
                and complaints.append(r.url))  # fmt: skip
        page.goto(file.as_uri())
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


def test_the_walk_ends_at_the_known_gradients(replay):
    page = replay(Workspace(graph="xyz"))
    told = {}
    for _ in range(7):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(80)
        name = page.locator("#detail h2").inner_text()
        told[name] = page.locator("#detail dd").first.inner_text()
    known = {"f": "-12", "x.grad": "-4", "y.grad": "-4", "z.grad": "3"}
    assert {name: told[name] for name in known} == known
    assert page.locator("#detail").get_by_text("Chain rule", exact=True).count() == 1


def test_a_group_opens_and_closes_again(replay):
    page = replay(Workspace(graph="mlp"))
    count = page.locator(".node").count()
    heads = page.locator(".head").count()
    page.locator(".node.closed").first.click()
    assert page.locator(".node").count() > count
    assert page.locator(".head").count() == heads + 1
    page.locator(".head").nth(1).click(position={"x": 9, "y": 9})
    assert page.locator(".node").count() == count


def test_what_a_replay_does_not_hold_is_said(replay, monkeypatch):
    monkeypatch.setattr(module, "TOGGLED", 0)
    page = replay(Workspace(graph="mlp"))
    page.locator(".node.closed").first.click()
    assert "open the graph in the studio" in page.locator("#note").inner_text()


def test_the_picture_can_be_taken_along(replay):
    page = replay(Workspace(graph="xyz"))
    for kind in ("SVG", "PNG"):
        with page.expect_download() as got:
            page.get_by_role("button", name=kind).click()
        assert got.value.path().stat().st_size > 1_000


def test_it_opens_at_the_step_that_was_seen_with_its_box_in_view(replay):
    page = replay(Workspace(graph="xyz"), 4)
    assert page.locator(".gf .step").inner_text().startswith("5/")
    box, canvas = (page.locator(at).bounding_box() for at in (".node.cur", ".canvas"))
    assert canvas["y"] < box["y"] < canvas["y"] + canvas["height"] - box["height"]


def test_following_the_cursor_makes_boxes_large_enough_to_read(replay):
    page = replay(Workspace(graph="xyz"))
    for _ in range(12):
        page.keyboard.press("-")
    assert page.locator(".node .label").first.is_hidden()
    page.keyboard.press("ArrowRight")
    assert page.locator(".node.cur .label").is_visible()


def test_the_bar_of_a_loop_takes_its_room_from_the_picture(replay):
    page = replay(Workspace(graph="lstm", unrolled=("lstm",)))
    bar, stage, below = (page.locator(f".gf .{name}").bounding_box()
                         for name in ("loops", "stage", "transport"))  # fmt: skip
    assert bar["height"] > 20 and below["y"] + below["height"] < 820
    header = page.locator("header").bounding_box()["height"]
    assert abs(stage["height"] + bar["height"] - (820 - header - 270)) < 2


def test_the_help_is_read_whole_and_the_map_can_be_put_away(replay):
    page = replay(Workspace(graph="lstm"))
    page.keyboard.press("?")
    assert page.locator(".help").evaluate("h => [h.scrollWidth <= h.clientWidth]") == [True]
    page.locator(".help").get_by_text("stack").scroll_into_view_if_needed()
    page.keyboard.press("Escape")
    assert page.locator(".map").is_visible()
    page.get_by_role("button", name="the small map of the whole").click()
    assert page.locator(".map").is_hidden()
