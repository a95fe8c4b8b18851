from __future__ import annotations

from graphflow.api import loads
from graphflow.view.editing import NodeChange, node_changes, text_changes

BASE = "{graphflow: 1, name: f, inputs: {x: {shape: [2, 3]}}, nodes: {%s}}"


def changes(before: str, after: str) -> dict[str, str]:
    graphs = (loads(BASE % text).graph for text in (before, after))
    return {change.name: change.kind for change in node_changes(*graphs)}


def test_a_graph_does_not_differ_from_itself():
    assert changes("a: relu(x), b: a + 1", "a: relu(x), b: a + 1") == {}


def test_nodes_come_and_go():
    assert changes("a: relu(x)", "b: relu(x)") == {"b": "added", "a": "removed"}


def test_another_operator_is_told_from_another_shape():
    assert changes("a: relu(x)", "a: tanh(x)") == {"a": "retyped"}
    assert changes('a: "sum(x, axis=0)"', 'a: "sum(x, axis=1)"') == {"a": "reshaped"}


def test_other_operands_and_attributes_count_also():
    assert changes("a: relu(x), b: tanh(x), c: a * 2", "a: relu(x), b: tanh(x), c: b * 2") == {
        "c": "rewired"
    }
    assert changes("c: x * 2", "c: x * 3") == {"c": "rewired"}


def test_a_change_says_what_it_was_and_what_it_is():
    graphs = (loads(BASE % text).graph for text in ("c: x * 2", "c: x * 3"))
    assert node_changes(*graphs) == (NodeChange("c", "rewired", "x, 2", "x, 3"),)


def test_lines_keep_their_signs_and_numbers():
    before = "a\nb\nc\nd\n"
    after = "a\nB\nc\nd\ne\n"
    told = [(c.sign, c.text, c.line) for c in text_changes(before, after, around=0)]
    assert told == [
        ("@", "-2 +2", 0), ("-", "b", 2), ("+", "B", 2), ("@", "-4,0 +5", 0), ("+", "e", 5),
    ]  # fmt: skip


def test_equal_texts_have_no_difference():
    assert text_changes("a\nb", "a\nb") == ()
