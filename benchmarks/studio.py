"""How fast the whole studio is, in a browser: server, worker process, pages and widget together.

    python benchmarks/studio.py [GRAPH ...]

Goals, on two cores: the first page within 3 s; a step painted within 50 ms and its panel there
within 250 ms; a group opened or closed within 250 ms, at some 400 boxes. Needs playwright and a
Chromium. Every group of a graph is opened first, and repeated blocks are drawn one by one.

- page: from the request until the page shows its cards, or the graph, in a browser that is new;
- painted: ArrowRight until the second frame after it;
- panel: ArrowRight until the panel beside the graph tells of that step;
- toggle: a click on the head of a group until the other drawing is painted.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

from graphflow.studio.permalink import View, written
from graphflow.view.study import Study
from graphflow.view.workspace import Look, Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.serving import launched, served

GRAPHS = ("xyz", "mlp", "resnet18", "transformer")
STEPS, TOGGLES = 15, 6
PAINTED = """async (canvas) => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  const began = performance.now();
  canvas.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
  await frame(); await frame();
  return performance.now() - began;
}"""
PANEL = """async (canvas, step) => {
  const frame = () => new Promise(requestAnimationFrame);
  const panel = canvas.getRootNode().host?.ownerDocument ?? document;
  const began = performance.now();
  canvas.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
  const told = () => panel.body.innerText.includes(`step ${step} of`);
  while (!told() && performance.now() - began < 5000) await frame();
  return performance.now() - began;
}"""
TOGGLE = """async (head) => {
  const frame = () => new Promise(requestAnimationFrame);
  const root = head.getRootNode(), id = head.dataset.toggle;
  const open = () => Boolean(root.querySelector(`.head[data-toggle="${CSS.escape(id)}"]`));
  const before = open(), began = performance.now();
  head.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));
  head.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
  head.dispatchEvent(new MouseEvent('click', {bubbles: true}));
  while (open() === before && performance.now() - began < 5000) await frame();
  await frame();
  return performance.now() - began;
}"""


def whole(graph: str) -> tuple[Look, int]:
    """A look at a graph with every group open, and how many boxes that is."""
    study, look = Study(Workspace(graph=graph)), Look(folded=False)
    while True:
        drawing = study.drawing(look)
        closed = {node.id for node in drawing.nodes if node.kind in ("group", "loop")}
        if not closed:
            return look, len(drawing.nodes)
        opened = {group.id for group in drawing.groups} | closed
        look = Look(folded=False, opened=tuple(sorted(opened)))


def seconds(browser: Browser, address: str, shows: str) -> float:
    """From the request to what a page shows, in a context without a cache."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        began = time.perf_counter()
        page.goto(address)
        page.locator(shows).first.wait_for()
        return time.perf_counter() - began


def rows(page: Page) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of painting, of the panel and of toggling."""
    canvas = page.locator(".canvas").element_handle()
    page.locator(".canvas").focus()
    painted, panel, toggled = [], [], []
    ends = page.locator(".transport .step").inner_text().partition("/")[2]
    walked = int(ends.split()[0])
    for step in range(min(STEPS, walked)):
        panel.append(page.evaluate(f"([c, s]) => ({PANEL})(c, s)", [canvas, step + 1]))
        page.wait_for_timeout(200)
    for _ in range(STEPS):
        painted.append(page.evaluate(PAINTED, canvas))
        page.wait_for_timeout(400)
    id = page.locator(".head").last.get_attribute("data-toggle") if page.locator(
        ".head").count() else None  # fmt: skip
    for _ in range(TOGGLES if id else 0):
        head = page.locator(f'[data-toggle="{id}"]').first.element_handle()
        toggled.append(page.evaluate(TOGGLE, head))
        page.wait_for_timeout(600)
    return painted, panel, toggled


def shown(times: list[float]) -> str:
    """Median and worst."""
    return f"{statistics.median(times):.0f} | {max(times):.0f}" if times else " | "


def measure(browser: Browser, address: str, graphs: list[str]) -> None:
    """Print the table."""
    print(f"first page (cards): {seconds(browser, address, 'button'):.1f} s; again "
          f"{seconds(browser, address, 'button'):.1f} s\n")  # fmt: skip
    print("| graph | boxes | opens s | painted ms | worst | panel ms | worst | toggle ms | worst |"
          "\n|---|" + "---:|" * 8)  # fmt: skip
    for graph in graphs:
        look, boxes = whole(graph)
        query = urllib.parse.urlencode(written(View(Workspace(graph=graph), look)))
        url = f"{address}/explore?{query}"
        opened = seconds(browser, url, ".node")
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.locator(".node").first.wait_for()
        page.wait_for_timeout(1500)
        cells = " | ".join(map(shown, rows(page)))
        print(f"| {graph} | {boxes} | {opened:.1f} | {cells} |", flush=True)
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("graphs", nargs="*", default=GRAPHS)
    graphs = list(parser.parse_args().graphs)
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address, \
            sync_playwright() as playwright:  # fmt: skip
        browser = launched(playwright)
        measure(browser, address, graphs)
        browser.close()


if __name__ == "__main__":
    main()
