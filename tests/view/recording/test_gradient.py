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
