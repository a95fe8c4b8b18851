"""How fast the graph widget is in a browser: a step, scrubbing, zooming, building the picture.

    python benchmarks/studio_widget.py [SAMPLE.json ...]

Goals: a step's highlight set and painted within 50 ms at 400 nodes, scrubbing at 60 frames/s at
1,572. Without samples (data as ``view.wire`` writes them) it draws rows of boxes, each fed by two
of the row above, with a forward, a backward and an update step for them. Needs playwright and a
Chromium. The page is the widget alone: no server, no Streamlit.

- build: from the data to the second frame after them;
- set: ArrowRight until the class is on the box; painted: until the second frame after that;
- scrub: the cursor moves by seven steps in every frame; zoom: every frame another scale.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from graphflow.view.widget import script, style

if TYPE_CHECKING:
    from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.serving import launched
from tests.browser.wires import large

SIZES = (66, 402, 1_572)
STEPS = 60
MOUNT = """async ([code, data]) => {
  const url = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
  const graph = (await import(url)).default;
  window.frame = () => new Promise(requestAnimationFrame);
  const nothing = () => {};
  const began = performance.now();
  graph({parentElement: document.getElementById('host'), data,
    setStateValue: nothing, setTriggerValue: nothing});
  const made = performance.now() - began;
  await frame(); await frame();
  return [made, performance.now() - began];
}"""
STEP = """async (steps) => {
  const canvas = document.querySelector('.canvas');
  const rows = [];
  for (let i = 0; i < steps; i++) {
    await frame();
    const began = performance.now();
    canvas.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    const set = performance.now() - began;
    await frame(); await frame();
    rows.push([set, performance.now() - began]);
  }
  return rows;
}"""
SCRUB = """async () => {
  const range = document.querySelector('.track input');
  const began = performance.now();
  let frames = 0;
  for (let at = 0; performance.now() - began < 2000; at = (at + 7) % (Number(range.max) + 1)) {
    range.value = at;
    range.dispatchEvent(new Event('input'));
    await frame();
    frames++;
  }
  return frames * 1000 / (performance.now() - began);
}"""
ZOOM = """async () => {
  const canvas = document.querySelector('.canvas');
  const began = performance.now();
  let frames = 0;
  while (performance.now() - began < 2000) {
    const deltaY = frames % 40 < 20 ? 60 : -60;
    canvas.dispatchEvent(new WheelEvent('wheel', {deltaY, clientX: 500, clientY: 300}));
    await frame();
    frames++;
  }
  return frames * 1000 / (performance.now() - began);
}"""


def measured(page: Page, data: object) -> list[float]:
    """Build, set (median, worst), painted (median, worst), scrub and zoom of one sample."""
    page.set_content(f"<style>{style()}</style><div id='host'></div>")
    _, built = page.evaluate(MOUNT, [script(), data])
    page.locator(".canvas").focus()
    rows = page.evaluate(STEP, STEPS)
    timed = [f(side) for side in zip(*rows, strict=True) for f in (statistics.median, max)]
    return [built, *timed, page.evaluate(SCRUB), page.evaluate(ZOOM)]


def samples(paths: list[Path]) -> dict[str, object]:
    """What is drawn, by name."""
    if not paths:
        return {f"{size:,} boxes": large(size) for size in SIZES}
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("samples", nargs="*", type=Path)
    given = samples(parser.parse_args().samples)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        print("| drawing | nodes | build ms | set ms | worst | painted ms | worst | scrub fps "
              "| zoom fps |\n|---|" + "---:|" * 8)  # fmt: skip
        for name, data in given.items():
            count = len(data["drawing"]["nodes"])  # type: ignore[index, call-overload]
            cells = " | ".join(f"{value:.1f}" for value in measured(page, data))
            print(f"| {name} | {count:,} | {cells} |", flush=True)
        browser.close()
    print(f"\nthe script is {len(script().encode()) / 1000:.1f} kB, "
          f"the style {len(style().encode()) / 1000:.1f} kB")  # fmt: skip


if __name__ == "__main__":
    main()
