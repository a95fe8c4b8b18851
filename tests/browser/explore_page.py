"""What the tests of Explore in a real browser look at and do."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE = 90_000
"""Milliseconds for the largest graphs to be opened, on a machine with other things to do."""


def opened(visitor, address: str, **how: object) -> Page:
    page = visitor.open(f"?{address}", **how)
    canvas(page).wait_for(timeout=PATIENCE)
    page.locator(".gf .transport .step").wait_for()
    return page


def canvas(page: Page) -> Locator:
    return page.locator(".gf .canvas")


def said(page: Page) -> str:
    return page.locator(".gf .transport .step").inner_text()


def count(page: Page) -> int:
    found = re.match(r"0/(\d+)", said(page))
    assert found, said(page)
    return int(found[1])


def panel(page: Page, words: str | re.Pattern[str]) -> Locator:
    """What the panel beside the graph says."""
    return page.get_by_test_id("stColumn").last.get_by_text(words).first


def expect(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        page.wait_for_timeout(50)


def still(page: Page, shown: Locator) -> dict[str, float]:
    """Wait until the server has answered and what is shown no longer moves; where it is then."""
    boxes: list[object] = [None]

    def rests() -> bool:
        page.locator('[data-test-script-state="notRunning"]').wait_for()
        boxes.append(shown.bounding_box())
        page.wait_for_timeout(250)
        return boxes[-1] is not None and boxes[-1] == boxes[-2]

    expect(page, rests)
    return boxes[-1]


def says(page: Page, start: str) -> None:
    """Wait until the line below the graph begins so."""
    page.locator(".gf .transport .step").filter(has_text=re.compile(f"^{start}")).wait_for()


def step(page: Page) -> None:
    page.locator(".gf .transport").get_by_role("button", name="step (Right)", exact=True).click()
