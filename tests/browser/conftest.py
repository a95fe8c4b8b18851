"""The studio in a real browser: a server of its own, and pages that may not err or call outside.

Playwright drives a Chromium that is installed already; without one these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

from . import wires
from .serving import NAMES, installed, launched, served
from .widget_page import Widget

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

HERE = {"127.0.0.1", "localhost", ""}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of all tests; skipped with the reason where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if installed() is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    with api.sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a studio that serves nobody else."""
    with served(tmp_path_factory.mktemp("studio")) as address:
        yield address


class Visitor:
    """Opens pages of the studio, and notes what they may not do."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self.complaints: list[str] = []
        self._browser = browser
        self._pages: list[Page] = []

    def open(
        self,
        path: str = "",
        *,
        scheme: Literal["light", "dark"] = "light",
        size: tuple[int, int] = (1280, 800),
    ) -> Page:
        """A page of its own session, once the app has drawn something."""
        page = self._browser.new_page(
            color_scheme=scheme, viewport={"width": size[0], "height": size[1]}
        )
        page.set_default_timeout(60_000)
        page.on("console", self._note_error)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_request)
        self._pages.append(page)
        page.goto(f"{self.address}/{path}")
        page.get_by_test_id("stMain").wait_for()
        return page

    def leave(self) -> None:
        for page in self._pages:
            page.close()

    def _note_error(self, message: ConsoleMessage) -> None:
        """Streamlit looks for its server below a page's own address first: that is no error."""
        looking = "/_stcore/" in message.location.get("url", "")
        if message.type == "error" and not looking:
            self.complaints.append(message.text)

    def _note_request(self, request: Request) -> None:
        if (urlsplit(request.url).hostname or "") not in HERE:
            self.complaints.append(f"a request to another host: {request.url}")


@pytest.fixture
def visitor(chromium: Browser, studio: str) -> Iterator[Visitor]:
    """Opens pages; afterwards no console error and no request to another host may be there."""
    visitor = Visitor(chromium, studio)
    yield visitor
    visitor.leave()
    assert visitor.complaints == []


@pytest.fixture
def blank(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens empty pages; afterwards no error and no request may have happened."""
    complaints: list[str] = []
    pages: list[Page] = []

    def opened(width: int = 1280, motion: str = "reduce") -> Page:
        page = chromium.new_page(
            viewport={"width": width, "height": 820}, reduced_motion=motion, accept_downloads=True
        )
        page.set_default_timeout(20_000)
        pages.append(page)
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: not r.url.startswith(("blob:", "data:", "about:"))
                and complaints.append(r.url))  # fmt: skip
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


@pytest.fixture
def show(blank: Callable[..., Page]) -> Callable[..., Widget]:
    """Shows a widget."""

    def shown(data: wires.Json, *, theme: str = "light", **more: object) -> Widget:
        return Widget(blank(**more), data, theme)

    return shown
