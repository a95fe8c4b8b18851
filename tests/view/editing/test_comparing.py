from __future__ import annotations

import random
import time

from graphflow.api import loads
from graphflow.view.editing import NodeChange, node_changes, text_changes
from graphflow.view.editing.comparing import SHOWN

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
    found = text_changes(before, after, around=0)
    assert [(c.sign, c.text, c.line) for c in found.rows] == [
        ("@", "-2,1 +2,1", 0), ("-", "b", 2), ("+", "B", 2), ("@", "-5,0 +5,1", 0), ("+", "e", 5),
    ]  # fmt: skip
    assert (found.added, found.removed, found.exact, found.complete) == (2, 1, True, True)


def test_equal_texts_have_no_difference():
    assert text_changes("a\nb", "a\nb").rows == ()


def test_one_change_in_a_long_text_is_told_alone():
    lines = [f"line {i}" for i in range(100_000)]
    found = text_changes("\n".join(lines), "\n".join([*lines[:70_000], "new", *lines[70_000:]]))
    assert [(c.sign, c.line) for c in found.rows if c.sign in "+-"] == [("+", 70_001)]
    assert found.rows[0].text == "-69998,6 +69998,7" and found.exact and found.complete


def test_texts_that_differ_everywhere_are_counted_and_their_beginning_is_told():
    lines = [str(i % 500) for i in range(240_000)]
    shuffled = random.Random(0).sample(lines, len(lines))
    began = time.process_time()
    found = text_changes("\n".join(lines), "\n".join(["another", *shuffled]))
    assert time.process_time() - began < 10  # a whole comparison takes hours
    assert (found.added, found.removed) == (1, 0)
    assert not found.exact and not found.complete and 0 < len(found.rows) <= SHOWN


def test_what_lies_beyond_the_lines_that_are_compared_is_no_difference():
    lines = [f"line {i}" for i in range(10_000)]
    found = text_changes("\n".join(lines), "\n".join(["new", *lines[:-1], "other"]))
    assert [(c.sign, c.text) for c in found.rows if c.sign in "+-"] == [("+", "new")]
    assert (found.added, found.removed, found.complete) == (2, 1, False)
