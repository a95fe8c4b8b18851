"""Files of strangers in a real browser: nothing of their words becomes a part of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from graphflow.studio.permalink import View, written
from graphflow.view.workspace import Workspace

from .explore_page import canvas, opened, panel, said

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
HOSTILE = r"""
graphflow: 1
name: "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
about: >-
  <iframe src='http://elsewhere.example/'></iframe> ![picture](http://elsewhere.example/a.png)
  [here](javascript:window.harmed=1) [there](http://elsewhere.example/)
  <b onclick='harmed=1'>bold</b> www.elsewhere.example
  $\href{javascript:window.harmed=1}{x}$ $\includegraphics{http://elsewhere.example/b.png}$
  :material/home: :red[red]
source: "<svg onload='window.harmed = 1'>"
inputs:
  x: {shape: scalar}  # <script>window.harmed = 1</script> ![p](http://elsewhere.example/c.png)
params:
  w: {shape: scalar, init: 2}  # [w](javascript:window.harmed=1) $\href{javascript:harmed=1}{w}$
nodes:
  q: x * w  # "><img src=x onerror='window.harmed = 1'>
  f: q ** 2
outputs: [f]
check: [{feed: {x: 3}, expect: {}}]
"""
FOREIGN = """() => [
  ...document.querySelectorAll('[onerror], [onclick], [onload], iframe, a[href^="javascript"]'),
  ...[...document.querySelectorAll('img, a')].filter((e) => /elsewhere/.test(e.src || e.href)),
].map((element) => element.outerHTML)"""


def unharmed(page: Page) -> None:
    assert page.evaluate("window.harmed") is None
    assert page.evaluate(FOREIGN) == []


def test_the_words_of_a_file_stay_words_on_every_tab_and_page(visitor):
    fields = urlencode(written(View(Workspace(text=HOSTILE))))
    page = opened(visitor, fields)
    page.get_by_text("<script>window.harmed = 1</script>").first.wait_for()
    page.get_by_test_id("stTooltipIcon").first.hover()
    page.get_by_text("<iframe src=").first.wait_for()
    page.get_by_text("[here](javascript:window.harmed=1)").first.wait_for()
    unharmed(page)
    canvas(page).focus()
    page.keyboard.press("End")
    assert "grad" in said(page)
    for tab in ("Chain", "Check", "YAML", "Memory", "Watch", "Table"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(300)
        unharmed(page)
    page.get_by_role("button", name="Share").click()
    panel(page, "This view as a link").or_(page.get_by_text("This view as a link")).first.wait_for()
    unharmed(page)
    for name in ("edit", "train", "check"):
        page.get_by_role("link", name=name.capitalize(), exact=True).click()
        page.get_by_text("window.harmed").or_(page.locator("h1, h2, h3")).first.wait_for()
        page.wait_for_timeout(500)
        unharmed(page)


@pytest.mark.parametrize("text", [
    "graphflow: 1\nname: a\nnodes: {f: \"'<img src=x onerror=window.harmed=1>' + 1\"}\n",
    "graphflow: 1\nname: a\n<img src=x onerror=window.harmed=1>: 1\n",
    "graphflow: 1\nname: a\nnodes: {f: '![p](http://elsewhere.example/d.png)'}\n",
    "graphflow: 1\nname: a\nnodes: {f: 'unknown([x](javascript:window.harmed=1))'}\n",
])  # fmt: skip
def test_an_error_quotes_a_file_in_words(visitor, text):
    page = visitor.open(f"?{urlencode(written(View(Workspace(text=text))))}")
    page.get_by_test_id("stAlert").first.wait_for()
    unharmed(page)
