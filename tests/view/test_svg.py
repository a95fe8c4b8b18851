"""Drawings as SVG files."""

from __future__ import annotations

import re
from itertools import product
from typing import get_args
from xml.etree import ElementTree

import pytest

from graphflow.view.drawing import HUES, Drawing, DrawnEdge, DrawnGroup, DrawnNode, Kind
from graphflow.view.svg import GROUNDS, mixed, svg

SVG = "{http://www.w3.org/2000/svg}"


def drawing(label: str = "q") -> Drawing:
    nodes = (
        DrawnNode("x", "x", "input", "input", 50, 20, 60, 40, description="x, input, 3"),
        DrawnNode(label, label, "x + y", "op", 50, 120, 60, 40, group="g", inline=("w 3x4",)),
    )
    groups = (DrawnGroup("g", "a loop", "", 10, 80, 90, 70, 1, length=7),)
    edges = (
        DrawnEdge("x", label, ((50, 40), (50, 100)), "3x1", (50, 60)),
        DrawnEdge(label, "x", ((50, 140), (50, 150), (5, 150), (5, 5), (50, 0)), back=True),
    )
    return Drawing("r", 110, 160, "TB", nodes, groups, edges)


def words(picture: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def test_it_shows_names_parameters_groups_and_shapes():
    picture = ElementTree.fromstring(svg(drawing(), "f"))
    assert words(picture) == ["x", "input", "q", "x + y", "w 3x4", "a loop ↻ 7", "3x1"]
    assert len(picture.findall(f"{SVG}path")) == 2


def test_it_says_what_it_shows():
    picture = ElementTree.fromstring(svg(drawing(), "f <1>", "three & more"))
    assert picture.get("role") == "img"
    assert picture.findtext(f"{SVG}title") == "f <1>"
    assert picture.findtext(f"{SVG}desc") == "three & more"
    assert picture.find(f"{SVG}g").get("aria-label") == "x, input, 3"


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", '"><b', "a & b", "]]>", "\x00\x07", "\ud800"]
)
def test_what_a_file_says_is_text_and_nothing_else(label):
    picture = ElementTree.fromstring(svg(drawing(label), label, label))
    assert {element.tag for element in picture.iter()} <= {
        SVG + tag for tag in
        ("svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text")
    }  # fmt: skip


def test_a_long_name_is_cut_within_its_box():
    shown = words(ElementTree.fromstring(svg(drawing("a_very_long_name_of_a_node"), "f")))[2]
    assert shown.endswith("…")
    assert len(shown) < 10


def test_without_words_boxes_and_lines_remain():
    picture = ElementTree.fromstring(svg(drawing(), "f", words=False, size=(80, 60)))
    assert words(picture) == []
    assert len(picture.findall(f"{SVG}g")) == 2
    assert (picture.get("width"), picture.get("height")) == ("80", "60")
    assert picture.get("viewBox") == "-12 -12 134 184"


def test_it_needs_nothing_from_elsewhere():
    text = svg(drawing(), "f").replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    assert re.findall(r"url\((.*?)\)", text) == ["#tip-auto", "#tip-auto"]


def test_each_theme_has_its_colours_and_auto_has_both():
    light, dark, both = (svg(drawing(), "f", theme=t) for t in ("light", "dark", "auto"))
    assert "#10151d" not in light
    assert "#ffffff" not in dark
    assert "#ffffff" in both and "#10151d" in both and "prefers-color-scheme" in both


def test_a_picture_leaves_one_of_another_theme_on_the_same_page_alone():
    light, dark = (re.findall(r"([^{}]+){[^{}]*#", svg(drawing(), "f", theme=t)) for t in GROUNDS)
    assert light and dark
    assert set(light).isdisjoint(dark)
    assert 'id="tip-dark"' not in svg(drawing(), "f", theme="light")


def test_kinds_are_told_by_form_too():
    forms = {}
    for kind in get_args(Kind):
        node = DrawnNode("n", "n", "", kind, 50, 20, 60, 40, count=1 + (kind in ("group", "loop")))
        picture = ElementTree.fromstring(svg(Drawing("r", 100, 40, "TB", (node,), (), ()), "f"))
        paths = [(path.get("class"), path.get("d")) for path in picture.iter(f"{SVG}path")][1:]
        forms[kind] = (tuple(paths), kind == "constant")
    assert len(set(forms.values())) == len(forms)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "kind"), list(product(GROUNDS, HUES)))
def test_words_stand_out_from_their_boxes(theme, kind):
    ground, text = GROUNDS[theme]
    text_in_file = svg(drawing(), "f", theme=theme)
    fill, stroke = re.search(rf"\.{kind} \.box{{fill:(#\w+);stroke:(#\w+)}}", text_in_file).groups()
    assert contrast(text, fill) >= 4.5
    assert contrast(stroke, fill) >= 3
    assert contrast(stroke, ground) >= 3


@pytest.mark.parametrize("theme", GROUNDS)
def test_shapes_on_edges_stand_out_from_the_ground(theme):
    ground, _ = GROUNDS[theme]
    muted = re.search(r"\.shape{fill:(#\w+);", svg(drawing(), "f", theme=theme)).group(1)
    line = re.search(r"\.edge{stroke:(#\w+)}", svg(drawing(), "f", theme=theme)).group(1)
    assert contrast(muted, ground) >= 4.5
    assert contrast(line, ground) >= 3


def test_colours_are_mixed():
    assert mixed("#ffffff", "#000000", 0.2) == "#333333"
