from __future__ import annotations

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
        Workspace(run=run): (tmp_path / "run" / "graph.yaml").read_text(),
        Workspace(text=RUN, run=run): RUN,
    }
    for workspace, text in ways.items():
        marks = [o.mark for o in open_model(workspace).graph.origins.values() if o.mark]
        assert text_of(workspace) == text
        assert any(workspace.owns(mark.file) for mark in marks), workspace
        assert workspace.title
