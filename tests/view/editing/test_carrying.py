from __future__ import annotations

from graphflow.api import loads
from graphflow.view.editing import Carried, carried, with_text
from graphflow.view.workspace import Edit, Workspace

TEXT = """
graphflow: 1
name: f
inputs: {x: {shape: [2, 3]}}
params:
%s
nodes: {y: sum(x)}
"""


def graph(*params: str):
    return loads(TEXT % "\n".join(f"  {line}" for line in params)).graph


W = "w: {shape: [3, 4], init: ones}"
V = "v: {shape: [5], init: ones}"


def test_values_are_kept_where_name_and_shape_match():
    before = graph(W, V, "u: {shape: [2], init: ones}")
    after = graph(W, "v: {shape: [6], init: ones}", "new: {shape: scalar, init: zeros}")
    assert carried(before, after) == Carried(
        ("w",), (("v", "its shape was [5] and is [6]"), ("u", "it is gone")), ("new",)
    )


def test_only_what_was_written_over_counts_when_it_is_named():
    before = graph(W, V)
    assert carried(before, graph(W, V), ["v", "x"]) == Carried(("v", "x"))
    assert carried(before, graph(W), ["v"]) == Carried((), (("v", "it is gone"),))


def test_a_workspace_of_the_new_text_has_the_edits_that_are_kept():
    edits = (Edit("w", (0, 1), 2.0), Edit("v", (0,), 3.0))
    before = Workspace(graph="mlp", seed=3, of="y", edits=edits, iteration=4, unrolled=("l",))
    after = with_text(before, "text", ["w"])
    assert after == Workspace(text="text", seed=3, edits=edits[:1])


def test_files_beside_a_file_are_found_by_its_text_too():
    assert with_text(Workspace(graph="models/net.yaml"), "text", []).folder == "models"
    assert with_text(Workspace(text="a", folder="models"), "text", []).folder == "models"


def test_a_run_goes_along_with_a_text():
    after = with_text(Workspace(run="runs/a", checkpoint="best"), "text", ["w"])
    assert (after.text, after.run, after.checkpoint) == ("text", "runs/a", "best")
