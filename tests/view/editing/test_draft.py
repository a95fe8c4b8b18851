from __future__ import annotations

import pytest

from graphflow import gallery
from graphflow.spec.yaml12 import read_text
from graphflow.view.editing import drafted

GOOD = """\
graphflow: 1
name: small
inputs:
  x: {shape: [B, 4]}
params:
  w: {shape: [4, 3], init: ones}
nodes:
  h: x @ w
  a: relu(h)
  y: sum(a)
outputs: [y]
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_good_text_has_its_graph_and_no_findings():
    draft = drafted(GOOD)
    assert draft.good and draft.graph is not None
    assert {"x", "w", "h", "a", "y"} <= set(draft.graph.nodes)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("relu(h)", "relu(g)", "GF020", 9),  # an unknown name
        ("relu(h)", "relyu(h)", "GF021", 9),  # an unknown function
        ("relu(h)", "h @ w", "GF030", 9),  # shapes that do not fit
        ("relu(h)", "relu(h", "GF025", 9),  # an expression that does not end
        ("a: relu(h)", "a: {is: relu(h), shap: [B, 3]}", "GF010", 9),  # an unknown key
        ("a: relu(h)", 'a: "relu(h)', "GF002", 9),  # YAML that does not end
    ],
)
def test_the_rest_is_drawn_and_the_failing_line_stands_in_it(old, new, code, line):
    draft = drafted(changed(old, new))
    assert [(found.code, found.mark.line) for found in draft.findings] == [(code, line)]
    assert draft.graph is not None
    assert draft.failing == ("a",)
    assert "h" in draft.graph.nodes and "a" in draft.graph.nodes


def test_what_needs_a_failing_line_waits_and_hangs_on_it():
    draft = drafted(changed("relu(h)", "relyu(h)"))
    assert draft.waiting == ("y",)
    assert draft.graph.nodes["a"].inputs == ("h",)
    assert draft.graph.nodes["y"].inputs == ("a",)
    assert draft.graph.origins["y"].mark.line == 10


def test_a_wrong_declaration_fails_and_its_readers_wait():
    draft = drafted(changed("init: ones", "inti: ones"))
    assert (draft.failing, draft.waiting) == (("w",), ("h", "a", "y"))


def test_an_error_elsewhere_leaves_the_graph_whole():
    draft = drafted(GOOD + "train: {minimise: y}\n")
    assert not draft.good and draft.graph is not None
    assert draft.failing == draft.waiting == ()
    assert set(drafted(GOOD).graph.nodes) == set(draft.graph.nodes)


def test_lines_above_a_break_of_yaml_are_drawn():
    draft = drafted(changed("  y: sum(a)", " y: sum(a)"))
    assert draft.graph is not None and {"h", "a"} <= set(draft.graph.nodes)


@pytest.mark.parametrize("text", ["", "\t", "[1, 2", "- a", "just words", "nodes: 3", "\x00"])
def test_a_text_that_is_no_graph_file_has_findings_and_no_graph(text):
    draft = drafted(text)
    assert draft.findings
    assert draft.graph is None or not len(draft.graph)


def test_the_call_tree_holds_the_stand_ins_too():
    draft = drafted(changed("relu(h)", "relyu(h)"))
    made = [step.name for step in draft.calls.steps]
    assert made[-2:] == ["a", "y"]
    assert draft.calls.graph is draft.graph


@pytest.mark.parametrize("name", ["resnet18", "lstm", "transformer"])
def test_a_broken_line_of_a_large_graph_leaves_all_that_does_not_need_it(name):
    text = read_text(gallery.find(name))
    whole = drafted(text).graph
    head, mark, tail = text.partition("\nnodes:\n")
    first, _, rest = tail.partition("\n")
    draft = drafted(f"{head}{mark}  broken: nothing_of_the_kind(1)\n{first}\n{rest}")
    assert draft.failing == ("broken",) and draft.waiting == ()
    assert set(whole.nodes) <= set(draft.graph.nodes)
