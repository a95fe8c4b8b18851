"""The graph widget on a page of its own, without a server, and what a test sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphflow.view.widget import script, style

from . import wires

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOUNT = """async ([code, data]) => {
  const url = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
  const graph = (await import(url)).default;
  Object.assign(window, {sent: [], data, parent: document.getElementById('host')});
  window.give = (more) => {
    Object.assign(data, more);
    window.close = graph({
      parentElement: window.parent, data,
      setStateValue: (name, value) => sent.push([name, value]),
      setTriggerValue: (name, value) => sent.push([name, value]),
    });
  };
  window.give({});
}"""
THEMES = {
    "light": ("#ffffff", "#31333f", "#f0f2f6"),
    "dark": ("#0e1117", "#fafafa", "#262730"),
}


class Widget:
    """A widget on a page, and what it told its host."""

    def __init__(self, page: Page, data: wires.Json, theme: str) -> None:
        self.page = page
        names = ("background", "text", "secondary-background")
        colours = zip(names, THEMES[theme], strict=True)
        theme_css = "".join(f"--st-{name}-color:{value};" for name, value in colours)
        page.set_content(
            f"<style>body{{margin:0;{theme_css}}}{style()}</style><div id='host'></div>"
        )
        page.evaluate(MOUNT, [script(), data])

    def press(self, *keys: str) -> None:
        """Keys, on the picture."""
        self.page.locator(".canvas").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def give(self, **more: object) -> None:
        """Other data, as after a run of the page."""
        self.page.evaluate("more => give(more)", more)

    def told(self, name: str, pause: int = 100) -> list[object]:
        """All values told under one name."""
        self.page.wait_for_timeout(pause)
        return [value for n, value in self.page.evaluate("sent") if n == name]

    @property
    def step(self) -> str:
        return self.page.locator(".step").inner_text()

    @property
    def here(self) -> str:
        """The box that the cursor is at."""
        found = self.page.locator(".node.cur")
        return found.get_attribute("data-node") or "" if found.count() else ""

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_text_contents()

    def node(self, name: str, part: str = "") -> str:
        return f'.node[data-node="{name}"] {part}'.strip()

    def classes(self, name: str) -> set[str]:
        return set((self.page.locator(self.node(name)).get_attribute("class") or "").split())
