from __future__ import annotations

import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.view.editing import Carried, is_good, sketched
from graphflow.view.opening import text_of
from graphflow.view.workspace import Edit, Workspace

XYZ = Workspace(graph="xyz")


def changed(old: str, new: str) -> str:
    text = text_of(XYZ)
    assert old in text
    return text.replace(old, new)


def test_a_text_as_it_was_has_a_picture_and_changes_nothing():
    sketch = sketched(text_of(XYZ), XYZ)
    assert sketch.problems == () and sketch.changes == ()
    assert {node.id for node in sketch.drawing.nodes} == {"x", "y", "z", "q", "f"}


def test_a_problem_names_its_node_and_the_picture_says_where_it_is():
    sketch = sketched(changed("q: x + y", "q: x + w"), XYZ)
    (problem,) = sketch.problems
    assert (problem.node, problem.finding.code) == ("q", "GF020")
    told = {node.id: node.sub for node in sketch.drawing.nodes}
    assert (told["q"], told["f"]) == ("error", "waits")
    assert sketch.changes == ()


def test_lines_tell_where_each_entry_stands():
    text = text_of(XYZ)
    lines = sketched(text, XYZ).lines
    rows = text.split("\n")
    assert all(rows[first - 1].strip().startswith(f"{name}:") for name, (first, _) in lines.items())


def test_written_over_values_are_kept_or_not():
    values = Workspace(graph="xyz", edits=(Edit("x", (), 1.0), Edit("z", (), 2.0)))
    text = changed("  z: scalar", "  z: {shape: [2]}")
    lost = (("z", "its shape was [] and is [2]"),)
    assert sketched(text, XYZ, values).carried == Carried(("x",), lost)


def test_of_a_file_with_errors_nobody_says_what_is_gone_or_kept():
    values = Workspace(graph="xyz", edits=(Edit("x", (), 1.0),))
    for broken in (changed("f: q * z", "f: [q"), changed("nodes:\n", "nodes\n")):
        sketch = sketched(broken, XYZ, values)
        assert sketch.problems and sketch.carried is None
        assert "removed" not in [change.kind for change in sketch.changes or ()]
    assert sketched(text_of(XYZ), Workspace(text="[")).changes is None


@pytest.mark.parametrize("text", ["", "[", "graphflow: 1"])
def test_what_cannot_be_drawn_has_problems_and_no_picture(text):
    sketch = sketched(text, XYZ)
    assert sketch.problems and sketch.drawing is sketch.changes is sketch.carried is None


def test_whether_a_file_is_good_is_known_without_running_it():
    assert is_good(XYZ)
    assert not is_good(Workspace(text="graphflow: 1"))
    with pytest.raises(GraphflowError, match="no canned graph"):
        is_good(Workspace(graph="no_such_graph"))
