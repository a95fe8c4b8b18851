from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphflow.api import load, loads
from graphflow.diagnostics import GraphflowError
from graphflow.gallery import find
from graphflow.runs import train
from graphflow.view.opening import open_model, take_over, text_of
from graphflow.view.workspace import Workspace

TEXT = """
graphflow: 1
name: f
inputs: {x: {shape: [B, 3]}}
params:
  w: {shape: [3, %d], init: normal}
  b: {shape: [2], init: zeros}
nodes: {y: sum(x @ w) + sum(b)}
"""


RUN = """
graphflow: 1
name: square
params: {w: {shape: scalar, init: '4.0'}}
nodes: {f: w ** 2}
train: {minimize: f, optimizer: sgd(lr=0.25), steps: 2}
"""


def test_values_of_another_model_are_taken_where_name_and_shape_match():
    trained, model = loads(TEXT % 4), loads(TEXT % 5)
    trained.parameters["b"] = np.array([1.5, -2.0])
    first = model.parameters["w"].copy()
    take_over(model, trained)
    assert model.parameters["b"].tolist() == [1.5, -2.0]
    assert np.array_equal(model.parameters["w"], first)


def test_a_text_finds_the_files_that_it_names_in_its_folder(tmp_path):
    (tmp_path / "parts.yaml").write_text(
        "graphflow: 1\nname: parts\nblocks:\n  twice:\n    inputs: [x]\n    nodes: {y: 2 * x}\n"
        "    outputs: [y]\n"
    )
    head = "graphflow: 1, name: f, use: {p: parts.yaml}, inputs: {x: scalar}"
    text = f"{{{head}, nodes: {{y: p.twice(x)}}}}"
    model = open_model(Workspace(text=text, folder=str(tmp_path)))
    assert "y" in model.graph
    with pytest.raises(GraphflowError, match="needs a file on disk"):
        open_model(Workspace(text=text))


BLOCKS = "graphflow: 1\nname: parts\nblocks: {%s: {inputs: [x], nodes: {y: 2 * x}, outputs: [y]}}\n"
CALLED = """
graphflow: 1
name: doubled square
use: {p: parts.yaml}
params: {w: {shape: scalar, init: '4.0'}}
nodes: {v: p.twice(w), f: v ** 2}
train: {minimize: f, optimizer: sgd(lr=0.0625), steps: 1}
"""


def ran(folder):
    """A run of a file that calls a block of another file; the folder of the run."""
    (folder / "parts.yaml").write_text(BLOCKS % "twice")
    (folder / "net.yaml").write_text(CALLED)
    train(load(folder / "net.yaml"), out=folder / "run")
    return folder / "run"


def test_a_run_is_opened_as_its_file_was_written_with_what_was_trained(tmp_path):
    run = ran(tmp_path)
    (tmp_path / "parts.yaml").unlink()
    workspace = Workspace(run=str(run))
    model = open_model(workspace)
    marks = [model.graph.origin(name).mark for name in ("v", "f")]
    assert [Path(mark.file).name for mark in marks] == ["source.yaml"] * 2
    assert "p.twice(w)" in text_of(workspace)
    assert float(model.parameters["w"]) == 4 - 0.0625 * 2 * 4 * 4  # d(2w)^2/dw is 8w


@pytest.mark.parametrize("source", [None, CALLED, "graphflow: ["])
def test_a_run_without_such_a_file_or_with_another_graph_is_opened_in_its_long_form(
    tmp_path, source
):
    run = ran(tmp_path)
    (run / "source.yaml").unlink()
    if source is not None:
        (run / "source.yaml").write_text(source.replace("v ** 2", "v ** 3"))
    workspace = Workspace(run=str(run))
    assert float(open_model(workspace).parameters["w"]) == 2
    assert text_of(workspace) == (run / "graph.yaml").read_text()


@pytest.mark.parametrize("wrong", [Workspace(), Workspace(graph="xyz", text="a")])
def test_a_workspace_opens_one_thing(wrong):
    with pytest.raises(GraphflowError, match="opens one thing"):
        open_model(wrong)


def test_a_graph_is_opened_as_it_is():
    assert list(open_model(Workspace(graph="xyz")).graph.nodes) == list(load("xyz").graph.nodes)


def test_every_way_of_opening_has_its_text_and_knows_its_own_lines(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(RUN)
    train(load(file), out=tmp_path / "run")
    run = str(tmp_path / "run")
    ways = {
        Workspace(graph="xyz"): find("xyz").read_text(),
        Workspace(graph=str(file)): RUN,
        Workspace(text=RUN): RUN,
        Workspace(text=RUN, folder=str(tmp_path)): RUN,
        Workspace(run=run): (tmp_path / "run" / "source.yaml").read_text(),
        Workspace(text=RUN, run=run): RUN,
    }
    for workspace, text in ways.items():
        marks = [o.mark for o in open_model(workspace).graph.origins.values() if o.mark]
        assert text_of(workspace) == text
        assert any(workspace.owns(mark.file) for mark in marks), workspace
        assert workspace.title
