"""What is written on boxes, by hand: f = (x + y) z, and a fan-out whose gradient is a sum."""

from __future__ import annotations

import numpy as np

from graphflow.view.steps import drawn_id
from graphflow.view.study import Study
from graphflow.view.workspace import Edit, Look, Workspace

FAN = """
graphflow: 1
name: fan
inputs: {x: {shape: []}}
nodes: {a: 3 * x, b: x * x, c: a + b, f: c * x}
outputs: [f]
"""


def lines(study: Study) -> list[tuple[str, str]]:
    return [(step.written.at, step.written.text) for step in study.steps if step.written]


def test_xyz_is_the_picture_that_teaches_backprop():
    study = Study(Workspace(graph="xyz"))
    assert study.schedule()["given"] == [{"x": "-2", "y": "5", "z": "-4"}]
    assert lines(study)[:2] == [("q", "3"), ("f", "-12")]
    backward = dict(lines(study)[2:])
    assert backward == {"f": "∇ 1", "z": "∇ 3", "q": "∇ -4", "x": "∇ -4", "y": "∇ -4"}


def test_a_gradient_at_a_fan_out_is_a_running_sum_until_it_is_complete():
    """f = (3x + x²) x at x = 2: through c 10, twice 4 through b, 6 through a; 24 in all."""
    study = Study(Workspace(text=FAN, edits=(Edit("x", (), 2.0),)))
    sums = [step.written for step in study.steps if step.written and step.written.at == "x"]
    assert [(s.text, s.norm) for s in sums] == [
        ("∇ 10 + …", None), ("∇ 14 + …", None), ("∇ 18 + …", None), ("∇ 24 + …", None),
        ("∇ 24", 24.0),
    ]  # fmt: skip


def test_norms_are_those_of_whole_gradients():
    study = Study(Workspace(graph="mlp"))
    checked = 0
    for step in study.steps:
        if step.written and step.written.norm is not None:
            gradient = np.asarray(study.value(step.index, step.node))
            np.testing.assert_allclose(step.written.norm, np.linalg.norm(gradient), rtol=1e-9)
            checked += 1
    assert checked > 20


def test_an_update_writes_the_new_value_on_the_parameter():
    study = Study(Workspace(graph="linear_regression_scratch", walk="training"))
    at = {step.written.at: step for step in study.steps
          if step.written and step.phase == "update"}  # fmt: skip
    assert set(at) == {"w", "b"}
    new = np.asarray(study.value(at["b"].index, at["b"].node)).item()
    assert float(at["b"].written.text) == float(f"{new:.4g}")


def test_a_closed_group_gives_the_value_of_its_last_node():
    study = Study(Workspace(graph="resnet18"))
    drawing = study.drawing(Look(opened=()))
    given = {name for node in drawing.nodes for name in node.gives}
    assert {drawn_id(step.node) for step in study.steps if step.phase == "forward"} >= given
    by_id = {node.id: node for node in drawing.nodes}
    assert by_id["features"].gives[0].startswith("features.")
    assert by_id["features"].lines == 2


def test_boxes_have_room_for_values_only_where_they_are_shown():
    study = Study(Workspace(graph="xyz"))
    with_values, without = (study.drawing(Look(values=v)) for v in (True, False))
    heights = [[node.h for node in drawing.nodes] for drawing in (with_values, without)]
    assert heights[0] == [h + 2 * 15 for h in heights[1]]
    assert with_values.rev != without.rev
