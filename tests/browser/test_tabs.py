"""Tabs beside the graph that draw: gradients over time, and maps of attention."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from graphflow.studio.permalink import View, written
from graphflow.view.workspace import Look, Workspace

from .explore_page import canvas, opened

pytestmark = pytest.mark.browser


def at_the_end(visitor, workspace: Workspace, tab: str):
    page = opened(visitor, urlencode(written(View(workspace, Look()))))
    canvas(page).focus()
    page.keyboard.press("End")
    page.get_by_role("tab", name=tab).click()
    return page


def test_all_tabs_are_there_at_once_on_a_small_screen(visitor):
    page = opened(visitor, "graph=xyz")
    tabs = page.get_by_role("tablist").last
    right = tabs.bounding_box()["x"] + tabs.bounding_box()["width"]
    assert all(
        box["x"] + box["width"] <= right
        for box in (tab.bounding_box() for tab in tabs.get_by_role("tab").all())
    )


def test_how_far_back_a_gradient_reaches_is_drawn_over_time(visitor):
    """Six letters are read, at times 0 to 5."""
    page = at_the_end(visitor, Workspace(graph="machine", unrolled=("net",)), "Time")
    page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first.wait_for()
    page.get_by_text(re.compile("where it enters time 0, .* where it enters time 5")).wait_for()


def test_a_map_is_chosen_by_sample_and_head(visitor):
    page = at_the_end(visitor, Workspace(graph="transformer_encoder"), "Maps")
    page.locator(".js-plotly-plot .heatmaplayer image").first.wait_for()
    head = page.get_by_role("slider", name="Head")
    before = page.locator(".js-plotly-plot .heatmaplayer image").first.get_attribute("href")
    head.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "old => document.querySelector('.heatmaplayer image')?.getAttribute('href') !== old",
        arg=before,
    )
