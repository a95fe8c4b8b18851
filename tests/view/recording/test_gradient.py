"""Forward and backward of one value, step by step, against numbers worked out by hand."""

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace


@pytest.fixture(scope="module")
def xyz() -> Study:
    return Study(Workspace(graph="xyz"))


def test_each_node_is_a_step_in_running_order(xyz):
    assert [s.node for s in xyz.steps] == [
        "q",
        "f",
        "f.grad",
        "z.grad",
        "q.grad",
        "x.grad",
        "y.grad",
    ]
    assert [s.index for s in xyz.steps] == list(range(7))
    assert [s.phase for s in xyz.steps] == ["forward"] * 2 + ["backward"] * 5


def test_the_numbers_are_those_of_the_lecture(xyz):
    last = len(xyz.steps) - 1
    values = {
        name: float(xyz.value(last, name)) for name in ("q", "f", "x.grad", "y.grad", "z.grad")
    }
    assert values == {"q": 3, "f": -12, "x.grad": -4, "y.grad": -4, "z.grad": 3}


def test_a_step_says_what_it_did_in_names_and_numbers(xyz):
    texts = {s.node: s.text for s in xyz.steps}
    assert texts["q"] == "q = x + y = (-2) + 5 = 3"
    assert texts["z.grad"] == "z.grad = f.grad × q = 1 × 3 = 3"
    assert texts["x.grad"] == "x.grad = q.grad × 1 = -4"


def test_a_backward_step_is_seen_at_the_value_whose_gradient_it_is(xyz):
    steps = {s.node: s for s in xyz.steps}
    assert (steps["x.grad"].place, steps["x.grad"].edge) == ("x", ("x", "q"))
    assert (steps["q.grad"].place, steps["q.grad"].edge) == ("q", ("q", "f"))
    assert steps["f.grad"].place == "f"


@pytest.mark.parametrize(("index", "name", "code"), [(0, "f", "GF082"), (7, "f", "GF082"),
                                                     (0, "g", "GF020")])  # fmt: skip
def test_what_is_not_there_is_told_so(xyz, index, name, code):
    with pytest.raises(GraphflowError) as raised:
        xyz.value(index, name)
    assert [d.code for d in raised.value.diagnostics] == [code]


def test_gradients_of_a_net_are_those_of_the_compiled_program():
    study = Study(Workspace(graph="gpt"))
    last, chosen = len(study.steps) - 1, study.walk.chosen
    program = study.model.compile("loss", chosen.by, mode=chosen.mode, dtype="float64")
    found = program(chosen.values)
    assert len(found.gradients) == len(study.model.parameters)
    for name, gradient in found.gradients.items():
        recorded = study.value(last, program.gradients[name])
        np.testing.assert_allclose(recorded, gradient, rtol=1e-9, atol=1e-12)


def test_contributions_add_up_where_a_value_is_read_twice():
    text = """
graphflow: 1
name: twice
inputs: {x: scalar}
nodes: {a: x * x, b: 3 * x, f: a + b}
outputs: [f]
check: [{feed: {x: 2}, expect: {f: 10}}]
"""
    study = Study(Workspace(text=text))
    last = len(study.steps) - 1
    parts = [s for s in study.steps if s.place == "x" or (s.edge and s.edge[0] == "x")]
    values = {s.node: float(study.value(last, s.node)) for s in parts}
    assert values["x.grad"] == 7  # 2 x + 3
    assert sorted(values.values())[-1] == 7
    assert {v for n, v in values.items() if n.startswith("x.grad.")} >= {2.0, 3.0}


def test_the_neuron_of_the_lecture():
    """CS231n: f = 1 / (1 + exp(-(w x + b))) with w = (2, -3), x = (-1, -2), b = -3."""
    study = Study(Workspace(graph="sigmoid_neuron"))
    last, f = len(study.steps) - 1, 1 / (1 + np.exp(-1.0))
    slope = f * (1 - f)
    np.testing.assert_allclose(study.value(last, "f"), f)
    np.testing.assert_allclose(study.value(last, "w.grad"), [-slope, -2 * slope])
    np.testing.assert_allclose(study.value(last, "x.grad"), [2 * slope, -3 * slope])
    np.testing.assert_allclose(study.value(last, "b.grad"), slope)


def test_a_graph_of_whole_numbers_has_no_backward():
    text = "{graphflow: 1, name: n, inputs: {x: {shape: [3], dtype: int}}, nodes: {f: sum(x)}}"
    study = Study(Workspace(text=text))
    assert dict(study.overview().counts) == {"forward": 1, "backward": 0, "update": 0}
    assert study.overview().by == ()
