from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import ui.edit.picture
import ui.screens.edit
import ui.state
import ui.widgets.editor
from graphflow.view.editing import sketched, text_changes
from graphflow.view.opening import text_of
from graphflow.view.workspace import Edit, Workspace
from ui.edit.desk import KEY as DESK
from ui.screens.edit import TABS
from ui.state import KEY, Session

TEXT = """\
graphflow: 1
name: small
inputs:
  x: {shape: [2, 4]}
params:
  w: {shape: [4, 3], init: ones}
  b: {shape: [3], init: zeros}
nodes:
  h: x @ w + b
  a: relu(h)
  y: sum(a)
outputs: [y]
check:
  - feed: {x: [[1, 2, 3, 4], [5, 6, 7, 8]]}
    expect: {y: 108}
"""
EDITS = (Edit("w", (0, 0), 2.0), Edit("b", (1,), 5.0))


ASKED: list[str] = []
"""The services that were asked."""


class Here:
    """Answers in this process what a worker would."""

    def call(self, service, *arguments):
        ASKED.append(service)
        return {"sketched": sketched, "text_of": text_of, "text_changes": text_changes}[service](
            *arguments
        )


def show() -> None:
    from ui.screens import edit

    edit.page()


@pytest.fixture
def visits(monkeypatch):
    """The pages that were gone to; the editor is the text area, the graph is not shown."""
    visited: list[str] = []
    ASKED.clear()
    monkeypatch.setattr(ui.widgets.editor, "mount", lambda: None)
    monkeypatch.setattr(ui.state, "client", Here)
    monkeypatch.setattr(ui.edit.picture, "graph", lambda data, handlers: None)
    monkeypatch.setattr(ui.screens.edit, "go", visited.append)
    return visited


@pytest.fixture
def page(visits) -> AppTest:
    page = AppTest.from_function(show, default_timeout=20)
    page.session_state[KEY] = Session(workspace=Workspace(text=TEXT, edits=EDITS))
    page.run()
    assert not page.exception
    return page


def written_over(page: AppTest, old: str, new: str) -> AppTest:
    area = page.text_area[0]
    assert old in area.value
    area.set_value(area.value.replace(old, new)).run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    return "\n".join(str(e.value) for kind in (page.markdown, page.caption) for e in kind)


def click(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def test_a_good_text_has_no_problems_and_can_be_applied(page):
    assert "No problems" in page.success[0].value
    assert not page.button[0].disabled


def test_an_error_shows_its_line_node_and_help_and_cannot_be_applied(page, visits):
    written_over(page, "relu(h)", "relyu(h)")
    assert "**GF021** in **a**" in said(page) and "relu" in said(page)
    assert any(button.label == "Line 10" for button in page.button)
    assert page.button[0].disabled and visits == []


def test_what_was_made_of_former_texts_is_kept_for_a_while(page, monkeypatch):
    monkeypatch.setattr(ui.state, "KEPT", 2)
    for old, new in [("sum(a)", "mean(a)"), ("mean(a)", "max(a)"), ("max(a)", "min(a)")]:
        written_over(page, old, new)
    assert len(page.session_state[KEY].answers) == 2


def test_a_click_on_a_problem_goes_to_its_line(page):
    click(written_over(page, "relu(h)", "relyu(h)"), "Line 10")
    reveal = page.session_state[DESK].buffer.reveal
    assert (reveal.line, reveal.column) == (10, 6)


def test_a_message_from_a_file_is_shown_as_text(page):
    written_over(page, "relu(h)", '"![x](http://a) <b>"')
    assert "![x]" not in said(page) and "<b>" not in said(page)


def test_the_difference_is_made_by_the_worker_and_only_when_it_is_looked_at(page):
    written_over(page, "relu(h)", "tanh(h)")
    assert "text_changes" not in ASKED and not page.code
    page.session_state[TABS] = "Changes"
    page.run()
    assert ASKED.count("text_changes") == 1 and page.code
    page.run()
    assert ASKED.count("text_changes") == 1


def test_of_texts_that_differ_over_very_many_lines_the_beginning_is_told(page):
    page.session_state[TABS] = "Changes"
    written_over(page, "outputs: [y]", "outputs: [y]\n" + "\n".join(f"# {i}" for i in range(3000)))
    assert "at least 3000 lines added (+), at least 0 removed (-)" in said(page)
    assert "Only the first differences are shown." in said(page)


def test_the_difference_is_told_by_lines_and_by_nodes(page):
    page.session_state[TABS] = "Changes"
    written_over(page, "relu(h)", "tanh(h)")
    (difference,) = page.code
    assert "-  a: relu(h)\n+  a: tanh(h)" in difference.value
    table = page.dataframe[0].value
    assert table["Node"].tolist() == ["a"] and table["What"].tolist() == ["another operator"]


def test_of_a_text_that_cannot_be_read_nothing_is_said_to_be_the_same(page):
    page.session_state[TABS] = "Changes"
    written_over(page, "graphflow: 1", "graphflow: [1")
    told = said(page)
    assert "the same" not in told and "cannot be told" in told
    assert "1 line added (+), 1 removed (-)" in told
    written_over(page, "graphflow: [1", "graphflow: 1")
    written_over(page, "relu(h)", "relyu(h)")
    assert "The nodes that can be read are the same." in said(page)


def test_apply_keeps_values_where_name_and_shape_match_and_says_which(page, visits):
    written_over(page, "b: {shape: [3], init: zeros}", "b: {shape: [1], init: zeros}")
    assert "**kept**: w" in said(page)
    assert "its shape was" in said(page)
    click(page, "Apply: open in Explore")
    assert visits == ["explore"]
    workspace = page.session_state[KEY].workspace
    assert workspace.edits == EDITS[:1] and "shape: [1]" in workspace.text
    assert "Values kept: 1; not kept: b" in page.toast[0].value


def test_a_text_that_did_not_change_keeps_everything(page, visits):
    click(page, "Apply: open in Explore")
    assert page.session_state[KEY].workspace == Workspace(text=TEXT, edits=EDITS)


def test_edits_made_after_an_apply_are_kept_by_the_next_one(page):
    click(written_over(page, "relu(h)", "tanh(h)"), "Apply: open in Explore")
    here = page.session_state[KEY]
    more = (*here.workspace.edits, Edit("w", (1, 1), 7.0))
    here.workspace = replace(here.workspace, edits=more)
    page.run()
    click(written_over(page, "tanh(h)", "sigmoid(h)"), "Apply: open in Explore")
    assert page.session_state[KEY].workspace.edits == more


def test_reset_gives_the_text_as_it_was_and_the_former_text_back(page):
    written_over(page, "relu(h)", "tanh(h)")
    click(page, "Reset")
    assert page.text_area[0].value == TEXT
    click(page, "Former text")
    assert "tanh(h)" in page.text_area[0].value


def test_changes_stay_when_explore_shows_something_else(page):
    written_over(page, "relu(h)", "tanh(h)")
    page.session_state[KEY].workspace = Workspace(graph="xyz")
    page.run()
    assert "tanh(h)" in page.text_area[0].value
    assert "your changes" in page.info[0].value
    click(page, "Edit xyz")
    assert "q * z" in page.text_area[0].value


def test_without_changes_the_page_follows_explore(page):
    page.session_state[KEY].workspace = Workspace(graph="xyz")
    page.run()
    assert "q * z" in page.text_area[0].value


def test_a_broken_text_leaves_the_last_picture(page):
    before = page.session_state[DESK].drawn
    written_over(page, TEXT, "[")
    assert page.session_state[DESK].drawn is before
    assert "as it last could be drawn" in said(page)


def test_what_may_be_sent_is_said_in_words(page):
    (field,) = page.get("file_uploader")
    assert "at most 1 MB" in field.proto.label
    assert "A file of more than 1 MB is not taken" in said(page)


def test_a_new_file_is_begun_and_the_one_that_was_changed_can_be_had_back(page):
    written_over(page, TEXT, TEXT + "# mine\n")
    click(page, "A new file of formulas")
    assert page.text_area[0].value.splitlines()[1] == "name: mine"
    assert "No problems" in page.success[0].value
    click(page, "Former text")
    assert page.text_area[0].value.endswith("# mine\n")
