"""The widget whose host comes in two halves: which of them says what, and which of them hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graphflow.view.widget import panel_script, script, style

from . import wires

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
MOUNT = """async (codes) => {
  const [graph, panel] = await Promise.all(codes.map(async (code) =>
    (await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})))).default));
  const hosts = {picture: document.createElement('div'), panel: document.createElement('div')};
  document.body.append(hosts.picture, hosts.panel);
  Object.assign(window, {hosts, sent: [], ends: {}});
  window.give = (half, data) => {
    const hear = (name, value) => sent.push([half, name, value]);
    ends[half] = (half === 'picture' ? graph : panel)({
      parentElement: hosts[half], data, setStateValue: hear, setTriggerValue: hear,
    });
  };
  window.leave = () => {
    document.body.replaceChildren();
    for (const end of Object.values(ends)) end();
    sent.length = 0;
  };
}"""


class Halved:
    """A page with both mounts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_content(f"<style>{style()}</style>")
        page.evaluate(MOUNT, [script(), panel_script()])

    def picture(self, turn: int, **more: object) -> None:
        """What the half by the picture says."""
        data = wires.grouped()
        said = {name: data[name] for name in ("drawing", "schedule", "overlay", "options")}
        rev = more.get("rev", "d1")
        said["drawing"] = {**data["drawing"], "rev": rev}
        marks = {"changed": {"b": "+1"}, "failing": None}
        given = {"halved": True, "turn": turn, "rev": rev, "schedule_rev": "s1", "marks": marks}
        self.page.evaluate("data => give('picture', data)", {**said, **given, **more})

    def panel(self, turn: int, **more: object) -> None:
        """What the half by the panel says."""
        marks = {"breakpoints": ["b"], "watched": []}
        data = {"turn": turn, "rev": "d1", "cursor": 1, "move": 0, "marks": marks}
        self.page.evaluate("data => give('panel', data)", {**data, **more})

    @property
    def sent(self) -> list[list[object]]:
        """All that was heard, by half and name."""
        self.page.wait_for_timeout(200)
        return self.page.evaluate("sent")

    @property
    def step(self) -> str:
        return self.page.locator(".transport .step").inner_text()


@pytest.fixture
def halved(blank) -> Halved:
    return Halved(blank())


@pytest.mark.parametrize("order", [("picture", "panel"), ("panel", "picture")])
def test_it_is_shown_once_both_have_come_in_either_order(halved, order):
    getattr(halved, order[0])(1)
    assert halved.page.locator(".gf .node").count() == 0
    getattr(halved, order[1])(2)
    assert halved.page.locator(".gf .node").count() > 0
    assert halved.step.startswith("2/")


def test_both_give_marks(halved):
    halved.picture(1)
    halved.panel(2)
    assert halved.page.locator(".node.broken.changed").count() == 1


def test_each_hears_what_is_its_own(halved):
    halved.picture(1)
    halved.panel(2)
    halved.page.locator(".canvas").focus()
    for key in ("ArrowRight", "b", "w"):
        halved.page.keyboard.press(key)
    halved.page.locator(".head").first.click()
    heard = {(half, name) for half, name, _ in halved.sent}
    assert {("panel", "cursor"), ("panel", "breakpoint"), ("panel", "watch")} <= heard
    assert ("picture", "toggle") in heard
    assert not heard & {("picture", "cursor"), ("panel", "toggle")}


def test_the_later_one_names_the_drawing_and_another_one_is_asked_for(halved):
    halved.picture(1)
    halved.panel(2)
    halved.panel(3, rev="d2")
    assert ["picture", "need", "drawing"] in halved.sent
    halved.picture(4, rev="d2")
    before = len(halved.sent)
    halved.panel(3, rev="d1")
    assert len(halved.sent) == before


def test_a_later_page_begins_anew(halved):
    halved.picture(1)
    halved.panel(2)
    halved.page.evaluate("leave()")
    assert halved.page.evaluate("[globalThis.graphflow.panel, globalThis.graphflow.changed]") == [
        None, None,
    ]  # fmt: skip
