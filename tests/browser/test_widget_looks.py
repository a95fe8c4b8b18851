"""The graph widget alone: picking, marks, downloads; what is seen and what can be reached."""

from __future__ import annotations

import json

import pytest

from . import wires

pytestmark = pytest.mark.browser


# -- picking and looking --------------------------------------------------------------------------
def test_a_click_selects_and_a_second_one_asks_for_details(show):
    widget = show(wires.xyz())
    widget.page.locator(widget.node("q")).dblclick()
    assert widget.told("selected")[-1] == "q"
    assert widget.told("open") == ["q"]
    widget.press("Escape")
    assert widget.told("selected")[-1] == ""


def test_groups_open_and_close_by_click_and_key(show):
    widget = show(wires.grouped(cursor=2))
    widget.page.locator(widget.node("b")).click()
    widget.page.locator(".head").click(position={"x": 8, "y": 8})
    widget.press("Shift+Enter")
    assert widget.told("toggle") == ["b", "a", "a"]
    widget.press("End", "[", "Enter")
    assert widget.told("open") == ["a/linear"]


def test_alt_arrows_walk_along_edges(show):
    widget = show(wires.xyz(cursor=0))
    widget.press("Alt+ArrowDown", "Alt+ArrowDown", "Alt+ArrowDown")
    widget.press("Alt+ArrowUp")
    assert widget.told("selected") == ["x", "q", "f", "q"]


def test_search_marks_and_jumps_into_closed_groups(show):
    widget = show(wires.grouped())
    widget.press("/")
    widget.page.keyboard.type("b/2")
    assert "match" in widget.classes("b")
    widget.page.keyboard.press("Enter")
    assert widget.told("toggle") == ["b/2"] and widget.told("selected") == []
    widget.page.keyboard.press("Escape")
    assert "match" not in widget.classes("b")
    assert widget.page.evaluate("document.activeElement.classList.contains('canvas')")


def test_enter_goes_to_what_is_found_and_counts_it(show):
    widget = show(wires.grouped())
    widget.press("/")
    widget.page.keyboard.type("a/")
    counted = widget.page.locator(".found")
    assert counted.inner_text() == "2 found"
    for place, name in [("1 of 2", "a/linear"), ("2 of 2", "a/relu"), ("1 of 2", "a/linear")]:
        widget.page.keyboard.press("Enter")
        assert counted.inner_text() == place
        assert widget.told("selected")[-1] == name


def test_trace_dims_what_does_not_lead_there(show):
    widget = show(wires.xyz())
    widget.page.locator(widget.node("q")).click()
    widget.press("t")
    dimmed = [n for n in "xyzqf" if "dim" in widget.classes(n)]
    assert dimmed == ["z", "f"]
    widget.press("t")
    assert [n for n in "xyzqf" if "dim" in widget.classes(n)] == ["x", "y", "z"]


def test_the_tip_tells_value_and_gradient_at_the_cursor(show):
    widget = show(wires.xyz(cursor=8))
    widget.page.locator(widget.node("x")).hover()
    assert widget.page.get_by_role("tooltip").inner_text().split("\n") == [
        "input x", "▶ x = -2", "◀ x.grad = q.grad × 1 = -4"]  # fmt: skip


def test_the_slider_of_a_loop_moves_in_time_and_follows(show):
    widget = show(wires.recurrent(cursor=1))
    slider = widget.page.get_by_label("time step of cell")
    widget.press("ArrowRight")
    assert slider.input_value() == "1"
    slider.fill("2")
    assert widget.step.endswith("h at 2")
    assert {"name": "moment", "value": {"loop": "cell", "t": 2}} in widget.told("option")
    assert widget.page.locator(".edge.back").count() == 1


def test_marks_and_overlays_are_written_not_only_coloured(show):
    marks = {"breakpoints": ["x"], "watched": ["x"], "changed": {"q": "+0.5"}, "failing": "f"}
    overlay = {"kind": "gradients", "legend": ["tiny", "small"],
               "marks": {"z": [0, "1e-9", "vanishing"]}}  # fmt: skip
    widget = show(wires.xyz(marks=marks, overlay=overlay))
    assert widget.texts(widget.node("x", ".flags")) == ["● ◎"]
    assert widget.texts(widget.node("q", ".note")) == ["+0.5"]
    assert widget.texts(widget.node("z", ".note")) == ["1e-9 vanishing"]
    assert widget.texts(widget.node("f", ".flags")) == ["✕"]
    assert widget.texts(".legend .key") == ["0 tiny", "1 small"]
    legend, stage = (widget.page.locator(one).bounding_box() for one in (".legend", ".stage"))
    assert legend["y"] + legend["height"] <= stage["y"]  # it covers nothing that is drawn
    widget.give(overlay={"kind": "none", "legend": [], "marks": {}})
    assert widget.texts(widget.node("z", ".note")) == [""]


def test_names_of_bands_are_cut_nowhere(show):
    """A band that is too narrow for its name has a shorter one, or its sign; a tip has all."""
    lengths = [(0, 0, 30), (1, 0, 4), (2, 0, 8), (0, 1, 1)]
    turns = [turn for _, turn, count in lengths for _ in range(count)]
    steps = wires.schedule([("x", phase, "x", "", "", "", "x", -1, "")
                            for phase, _, count in lengths for _ in range(count)],
                           turns=["discriminator", "generator"])  # fmt: skip
    for step, turn in zip(steps["steps"], turns, strict=True):
        step[6] = turn
    widget = show(wires.wire(wires.drawing([wires.node("x", 60, 40)], []), steps))
    bands = widget.page.locator(".band")
    assert bands.all_inner_texts() == [
        "▶ discriminator forward", "◀ backward", "✎ discriminator update", "▶"]  # fmt: skip
    wide = "(all) => all.map((one) => one.scrollWidth - one.clientWidth)"
    assert max(bands.evaluate_all(wide)) <= 0
    assert bands.nth(1).get_attribute("title") == "discriminator backward: steps 31 to 34"


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [("direction", "direction of reading", "LR"),
     ("parameters", "parameters as boxes of their own", "shown"),
     ("folded", "equal blocks drawn once", False)],
)  # fmt: skip
def test_options_are_asked_for(show, name, label, value):
    widget = show(wires.xyz())
    widget.page.get_by_role("button", name=label).click()
    assert widget.told("option") == [{"name": name, "value": value}]


def test_a_strangers_names_stay_text(show):
    evil = "<img src=x onerror=alert(1)>"
    data = wires.xyz()
    text = json.dumps(data).replace("q = x + y = 3", evil)
    text = text.replace('"label": "q"', f'"label": "{evil}"')
    widget = show(json.loads(text), width=1900)
    widget.press(*["ArrowRight"] * 3)
    widget.page.locator(widget.node("q")).hover()
    assert evil in widget.step
    assert widget.page.locator("img").count() == 0


# -- downloads -----------------------------------------------------------------------------------
def test_the_picture_comes_as_svg_with_its_styles(show):
    widget = show(wires.xyz(cursor=4))
    with widget.page.expect_download() as got:
        widget.page.get_by_role("button", name="SVG").click()
    text = got.value.path().read_text("utf-8")
    assert text.startswith("<svg")
    assert "rgb(" in text
    assert "var(" not in text
    assert all(f">{name}</text>" in text for name in "xyzqf")


def test_the_picture_comes_as_png(show):
    widget = show(wires.xyz())
    with widget.page.expect_download() as got:
        widget.page.get_by_role("button", name="PNG").click()
    assert got.value.path().read_bytes().startswith(b"\x89PNG")


# -- reading and reaching -------------------------------------------------------------------------
def test_tab_reaches_search_picture_and_transport_in_this_order(show):
    widget = show(wires.xyz())
    reached = []
    for _ in range(30):
        widget.page.keyboard.press("Tab")
        reached.append(widget.page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.type"))
    order = ["search nodes, in closed groups too; Enter goes to the next", "keys and signs (?)",
             "step", "play (Space)"]  # fmt: skip
    places = [reached.index(name) for name in order]
    assert places == sorted(places)
    assert any(name and name.startswith("computation graph") for name in reached)


def test_roles_and_names_for_screen_readers(show):
    widget = show(wires.xyz(cursor=2))
    assert widget.page.locator(".canvas").get_attribute("role") == "application"
    assert widget.page.get_by_role("button", name="op q").count() == 1
    assert widget.page.get_by_role("status").filter(has_text="3/9").get_attribute(
        "aria-live") == "polite"  # fmt: skip
    unnamed = widget.page.evaluate(
        "[...document.querySelectorAll('button,select,input:not(label input)')]"
        ".filter(e => !e.getAttribute('aria-label')).length"
    )
    assert unnamed == 0


def test_help_opens_by_key_and_closes(show):
    widget = show(wires.xyz())
    widget.press("?")
    assert widget.page.get_by_role("dialog").is_visible()
    widget.page.keyboard.press("Escape")
    assert not widget.page.get_by_role("dialog").is_visible()


CONTRAST = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = (colour) => {
    pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const part = [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const style = (e) => getComputedStyle(e);
  const rows = [];
  for (const node of document.querySelectorAll('.node')) {
    const box = light(style(node.querySelector('.box')).fill);
    for (const text of node.querySelectorAll('.label, .sub'))
      rows.push([text.textContent, ratio(box, light(style(text).fill))]);
  }
  for (const e of document.querySelectorAll('button, select, .badge, .band, .step, .legend i')) {
    let back = e;
    while (style(back).backgroundColor === 'rgba(0, 0, 0, 0)') back = back.parentElement;
    rows.push([e.textContent, ratio(light(style(e).color), light(style(back).backgroundColor))]);
  }
  return rows;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("step", [1, 9, 14])
def test_text_contrasts_with_what_it_stands_on(show, theme, step):
    overlay = {"kind": "values", "legend": list("abcdefg"), "marks": {"loss": [3, "1", ""]}}
    widget = show(wires.grouped(cursor=step, overlay=overlay), theme=theme)
    rows = widget.page.evaluate(CONTRAST)
    assert len(rows) > 20
    assert [row for row in rows if row[1] < 4.5] == []


@pytest.mark.parametrize("width", [700, 1280, 1900])
def test_nothing_runs_over_the_rim(show, width):
    widget = show(wires.grouped(cursor=6), width=width)
    rim = widget.page.evaluate(
        "[...document.querySelectorAll('.gf button,.gf select,.gf .node,.gf .step,.gf .flag')]"
        ".map(e => e.getBoundingClientRect()).filter(r => r.width)"
        f".filter(r => r.left < 0 || r.right > {width}).length"
    )
    assert rim == 0
    assert widget.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_step_of_an_open_group_is_seen_at_its_head(show):
    data = wires.recurrent()
    steps = data["schedule"]
    steps["names"].append("cell")
    steps["steps"][1][2] = steps["names"].index("cell")
    widget = show({**data, "cursor": 1})
    assert widget.page.locator(".head.cur").count() == 1
    assert widget.page.locator(".here.away").count() == 0


def test_following_stays_as_the_reader_set_it(show):
    data = wires.large(400)
    del data["options"]["follow"]
    widget = show(data)
    widget.press("f", "End")
    widget.give(cursor=3)
    follow = widget.page.get_by_role("button", name="keep the cursor in view (F)")
    assert follow.get_attribute("aria-pressed") == "false"
    box = widget.page.locator(".node.cur").bounding_box()
    assert box["y"] > 820


def test_a_note_takes_the_place_of_the_shapes_below_its_box(show):
    overlay = {"kind": "values", "legend": [], "marks": {"a/relu": [2, "0.5", ""]}}
    widget = show(wires.grouped(overlay=overlay))
    hidden = widget.page.locator("text.shape.covered")
    assert hidden.count() == 1
    assert not hidden.is_visible()
    widget.give(overlay={"kind": "none", "legend": [], "marks": {}})
    assert hidden.count() == 0
