"""Pictures of every page for the documents: ``python -m tests.browser.take_pictures [NAME ...]``.

Each page is taken at 1280 and 1920 pixels, light and dark, into ``docs/images/``. Whoever changes a
page takes them again, and looks at them.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from tests.browser.serving import ROOT, launched, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = ROOT / "docs/images"
SIZES = ((1280, 800), (1920, 1080))
COLOURS = 128
"""Of a picture: enough for flat pages, and a quarter of the bytes."""
SETTLED_MS = 1_500


def nothing(page: Page) -> None:
    """The page as it opens."""


def broken(page: Page) -> None:
    """A line of the editor with a mistake in it."""
    line = page.locator(".cm-line").filter(has_text="h: relu").first
    line.click()
    page.keyboard.press("End")
    page.keyboard.type(" + nope")
    page.get_by_text("GF0").first.wait_for()


def checked(page: Page) -> None:
    """All checks have run."""
    page.get_by_role("button", name="Run all").click()
    page.get_by_text("Three").first.wait_for()
    page.wait_for_timeout(8_000)


def trained(page: Page) -> None:
    """A training has begun."""
    page.get_by_role("button", name="Start").click()
    page.locator("[data-testid=stVegaLiteChart] .mark-line path").first.wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(4_000)


@dataclass(frozen=True)
class Shot:
    """A page: its name, its address, what is waited for, and what is done first.

    ``turn`` is the page that is turned to, once the model is open.
    """

    name: str
    address: str
    shows: str = ".node.cur"
    turn: str = ""
    act: Callable[[Page], None] = nothing


SHOTS = (
    Shot("gallery", "", "img"),
    Shot("explore-xyz", "explore?graph=xyz&cursor=3"),
    Shot("explore-mlp", "explore?graph=mlp&cursor=40"),
    Shot("explore-resnet18", "explore?graph=resnet18&cursor=520"),
    Shot("explore-lstm", "explore?graph=lstm&cursor=3"),
    Shot("explore-transformer", "explore?graph=transformer&cursor=60"),
    Shot("explore-gan", "explore?graph=gan&walk=training&cursor=100"),
    Shot("edit", "explore?graph=mlp_math&cursor=0", turn="Edit", act=broken),
    Shot("train", "explore?graph=mlp&cursor=0", turn="Train", act=trained),
    Shot("check", "explore?graph=mlp&cursor=0", turn="Check", act=checked),
)


def take(
    browser: Browser, address: str, shot: Shot, size: tuple[int, int],
    scheme: Literal["light", "dark"],
) -> None:  # fmt: skip
    """One picture of one page, in a session of its own."""
    width, height = size
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}/{shot.address}")
        page.locator(shot.shows).first.wait_for()
        if shot.turn:
            page.get_by_test_id("stTopNavLink").filter(has_text=shot.turn).click()
        page.wait_for_timeout(SETTLED_MS)
        shot.act(page)
        page.wait_for_timeout(SETTLED_MS)
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    FOLDER.mkdir(parents=True, exist_ok=True)
    packed = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    packed.save(FOLDER / f"{shot.name}-{width}-{scheme}.png", optimize=True)


def main(names: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address, \
            sync_playwright() as playwright:  # fmt: skip
        browser = launched(playwright)
        for shot in (s for s in SHOTS if not names or s.name in names):
            for size in SIZES:
                for scheme in ("light", "dark"):
                    take(browser, address, shot, size, scheme)
                    print(f"{shot.name} {size[0]} {scheme}", flush=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
