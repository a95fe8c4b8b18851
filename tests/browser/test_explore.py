"""Explore in a real browser: steps, numbers, groups, and no error on the console."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

from .explore_page import canvas, count, expect, opened, panel, said, says, step

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
TEN = [
    "sigmoid_neuron", "linear_regression_scratch", "softmax_regression", "mlp", "lenet", "lstm",
    "gan", "transformer", "gd_1d", "q_learning",
]  # fmt: skip
SHORT = ("sigmoid_neuron", "mlp", "gan")
"""Those of the ten that every run of the tests steps through."""


def test_a_walkthrough_of_xyz_reads_the_value_and_the_gradients_off_the_page(visitor):
    """f = (x + y) z at (-2, 5, -4) is -12; its gradients are -4, -4 and 3."""
    page = opened(visitor, "graph=xyz")
    read = {}
    for _ in range(count(page)):
        step(page)
        name, *_, value = re.split(" = ", said(page).partition(": ")[2])
        read[name] = value
        panel(page, said(page).partition(": ")[2]).wait_for()
    assert read["f"] == "-12"
    assert (read["x.grad"], read["y.grad"], read["z.grad"]) == ("-4", "-4", "3")
    assert said(page).startswith(f"{len(read)}/{len(read)}")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in SHORT else pytest.mark.slow) for n in TEN]
)
def test_a_graph_steps_to_its_end_and_back(visitor, name):
    page = opened(visitor, f"graph={name}")
    steps = count(page)
    assert page.locator(".gf [data-node]").count() > 0
    canvas(page).focus()
    page.keyboard.press("ArrowRight")
    panel(page, re.compile(rf"of {steps}")).wait_for()
    page.keyboard.press("End")
    assert said(page).startswith(f"{steps}/{steps} ")
    page.keyboard.press("ArrowLeft")
    assert said(page).startswith(f"{steps - 1}/{steps} ")
    page.keyboard.press("Home")
    assert said(page).startswith("0/")
    panel(page, "Nothing has run yet").wait_for()


def test_a_closed_block_of_resnet18_is_opened_and_closed_again(visitor):
    page = opened(visitor, "graph=resnet18")
    before = page.locator(".gf [data-node]").count()
    page.locator(".gf [data-toggle]").filter(has_text="batch_norm1").first.click()
    expect(page, lambda: page.locator(".gf [data-node]").count() > before)


def test_an_unrolled_lstm_steps_through_time(visitor):
    page = opened(visitor, "graph=lstm")
    page.get_by_role("button", name="Walk").click()
    page.get_by_label("Loops walked step by step").click()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    folded = count(page)
    expect(page, lambda: count(page) > folded)
    canvas(page).focus()
    page.keyboard.press("End")
    assert "grad" in said(page)


def copies(page: Page) -> list[str]:
    """The time steps of lstm that are drawn, each in a frame."""
    ids = page.locator(".gf .head").evaluate_all("heads => heads.map(h => h.dataset.toggle)")
    return sorted(id.split("@")[1] for id in ids if re.fullmatch(r"lstm@\d+", id))


def test_an_lstm_is_unrolled_by_keyboard_and_the_copies_follow_the_cursor(visitor):
    page = opened(visitor, "graph=lstm")
    folded = count(page)
    canvas(page).focus()
    page.keyboard.press("u")
    expect(page, lambda: copies(page) == sorted(["0", "1", "2", "3", "4", "5", "30", "31"]))
    assert count(page) > folded
    assert page.locator(".gf .head[data-toggle='lstm@0']").bounding_box()["x"] > 0
    page.locator(".gf [data-node='lstm@6..29']").dispatch_event("pointerdown")
    page.locator(".gf [data-node='lstm@6..29']").dispatch_event("pointerup")
    middle = sorted(["0", "1", "16", "17", "18", "19", "30", "31"])
    expect(page, lambda: copies(page) == middle)
    slider = page.get_by_label("time step of lstm")
    slider.fill("9")  # the cursor goes there, and the copies after it
    expect(page, lambda: {"8", "9", "10", "11"} <= {*copies(page)})
    page.locator(".gf .node.cur[data-node^='lstm@9/']").wait_for()
    canvas(page).focus()
    page.keyboard.press("End")
    assert said(page).startswith(f"{last_step(page)}/")
    page.keyboard.press("Home")
    says(page, "0/")
    page.locator(".gf .unroll[data-unroll='lstm']").dispatch_event("pointerdown")
    page.locator(".gf .unroll[data-unroll='lstm']").dispatch_event("pointerup")
    expect(page, lambda: copies(page) == [])


def last_step(page: Page) -> int:
    return int(re.search(r"/(\d+)", said(page))[1])


@pytest.mark.slow
def test_the_last_state_of_an_lstm_is_read_in_the_copy_of_the_last_time_step(visitor):
    study = Study(Workspace(graph="lstm", unrolled=("lstm",)))
    last = max(step.index for step in study.steps if step.id == "lstm/lstm.h_next")
    state = study.value(last, "lstm/lstm.h_next")
    page = opened(visitor, "graph=lstm")
    page.locator(".gf").get_by_role("button", name="all of it (0)").click()
    page.locator(".gf .unroll[data-unroll='lstm']").click()
    expect(page, lambda: copies(page) != [])
    page.get_by_label("time step of lstm").fill("31")
    canvas(page).focus()
    at = "lstm@31/lstm.h_next"
    for _ in range(20):
        if page.locator(f".gf .node.cur[data-node='{at}']").count() and "h_next ->" in said(page):
            break
        page.keyboard.press("ArrowRight")
    shown = page.locator(f".gf [data-node='{at}'] .value").all_text_contents()
    assert shown[0] == f"μ {state.mean():.2g} σ {state.std():.2g}"


def test_a_gan_has_two_turns(visitor):
    page = opened(visitor, "graph=gan&walk=training")
    bands = page.locator(".gf .band").all_inner_texts()
    assert any("update" in band for band in bands)
    canvas(page).focus()
    turns = set()
    page.keyboard.press("End")
    turns.add(re.search(r"\((.*?)\)", said(page))[1])
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    turns.add(re.search(r"\((.*?)\)", said(page))[1])
    assert len(turns) == 2


def test_past_the_end_of_a_training_step_the_whole_page_shows_the_next(visitor):
    page = opened(visitor, "graph=linear_regression_scratch&walk=training")
    page.get_by_text("training step 1", exact=True).wait_for()
    page.get_by_label("how far a step goes").select_option("iteration")
    canvas(page).focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    page.get_by_text("training step 2", exact=True).wait_for()
    says(page, "0/")


@pytest.mark.parametrize(
    ("name", "shows"), [("Gallery", "Start with"), ("Edit", "Reset"), ("Check", "Run all")]
)
def test_the_graph_is_there_again_after_another_page(visitor, name, shows):
    page = opened(visitor, "graph=xyz")
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("button", name=shows).first.wait_for()
    page.get_by_role("link", name="Explore", exact=True).click()
    panel(page, "Nothing has run yet").wait_for()
    page.locator('.gf [data-node="f"]').wait_for()
    page.reload()
    page.locator('.gf [data-node="f"]').wait_for()
    assert said(page).startswith("0/")


def test_the_graph_takes_the_whole_screen_and_gives_it_back(visitor):
    page = opened(visitor, "graph=xyz")
    before = canvas(page).bounding_box()["width"]
    canvas(page).press("e")
    expect(page, lambda: canvas(page).bounding_box()["width"] > before + 100)
    canvas(page).press("ArrowRight")
    assert said(page).startswith("1/")
    page.locator(".gf .tools").get_by_role("button", name="the whole screen").click()
    expect(page, lambda: canvas(page).bounding_box()["width"] == before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_nothing_is_wider_than_the_window(visitor, scheme, size):
    page = opened(visitor, "graph=mlp", scheme=scheme, size=size)
    step(page)
    panel(page, re.compile("of ")).wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_the_link_has_the_cursor_and_the_walk_can_be_taken_along(visitor, tmp_path):
    page = opened(visitor, "graph=xyz")
    canvas(page).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    says(page, "5/7")
    panel(page, re.compile("step 5 of 7")).wait_for()
    page.get_by_role("button", name="Share").click()
    page.get_by_text("cursor=4").wait_for()
    page.get_by_role("button", name="Make one page").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Save the page").click()
    taken.value.save_as(tmp_path / "walk.html")
    assert "z.grad" in (tmp_path / "walk.html").read_text("utf-8")


def test_a_node_in_closed_groups_is_searched_and_shown_by_keyboard(visitor):
    """The groups around it are opened, it is selected, and the panel shows it."""
    page = opened(visitor, "graph=resnet18")
    canvas(page).focus()
    page.keyboard.press("/")
    page.keyboard.type("stage4.basic1.residual.conv2d")
    found = page.locator(".gf .found")
    expect(page, lambda: re.fullmatch(r"\d+ found", found.inner_text()) is not None)
    assert page.locator(".gf .node.sel").count() == 0
    hidden = page.locator(".gf [data-node]").count()
    page.keyboard.press("Enter")
    page.locator(".gf .node.sel").wait_for()
    name = page.locator(".gf .node.sel").get_attribute("data-node")
    assert "stage4.basic1.residual.conv2d" in name
    assert page.locator(".gf [data-node]").count() > hidden
    assert re.match(r"1 of \d+", found.inner_text())
    panel(page, name).wait_for()
    box, picture = page.locator(".gf .node.sel").bounding_box(), canvas(page).bounding_box()
    assert picture["x"] <= box["x"] <= picture["x"] + picture["width"]
    assert picture["y"] <= box["y"] <= picture["y"] + picture["height"]
    page.keyboard.press("Enter")
    expect(page, lambda: found.inner_text().startswith("2 of"))


@pytest.mark.parametrize("address", ["graph=transformer&cursor=200", "graph=gan&cursor=11"])
def test_long_formulas_are_seen_whole(visitor, address):
    """They are broken into lines, names too; none is cut at the edge of the panel."""
    page = opened(visitor, address)
    page.locator(".katex-display").first.wait_for()
    wide = "(all) => all.map((one) => one.scrollWidth - one.clientWidth)"
    assert max(page.locator(".katex-display").evaluate_all(wide)) <= 0


def test_the_name_that_is_typed_is_watched_and_no_other(visitor):
    """Of q, q.grad and all that looks like it, Enter takes the first."""
    page = opened(visitor, "graph=xyz")
    page.get_by_role("tab", name="Watch").click()
    page.get_by_label("Watched values").click()
    page.keyboard.type("q")
    page.get_by_role("option", name="q.grad").wait_for()
    page.keyboard.press("Enter")
    panel(page, "not there yet").wait_for()
    assert page.get_by_text("not there yet").count() == 1
