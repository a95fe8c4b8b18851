"""Numbers written over, in inputs, parameters, states and nodes."""

import numpy as np
import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.view.study import Study
from graphflow.view.workspace import Edit, Workspace

LINE = """
graphflow: 1
name: line
inputs: {x: [B, 2], y: [B]}
params: {w: {shape: [2], init: full(0.5)}}
nodes:
  p: x @ w
  loss: mean((p - y) ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 4}
check:
  - feed: {x: [[1, 2], [3, 4]], y: [1, 2]}
    gradient_of: loss
    gradients: {w: [5, 7]}
"""


def last(study: Study, name: str) -> np.ndarray:
    return np.asarray(study.value(len(study.steps) - 1, name))


@pytest.mark.parametrize("walk", ["gradient", "training"])
def test_a_parameter_is_written_over(walk):
    study = Study(Workspace(text=LINE, walk=walk, edits=(Edit("w", (1,), 0.0),)))
    np.testing.assert_allclose(last(study, "p"), [0.5, 1.5])
    # the residuals are -0.5 and -0.5
    np.testing.assert_allclose(last(study, "w.grad"), [-2, -3])
    np.testing.assert_array_equal(study.model.parameters["w"], [0.5, 0.5])


@pytest.mark.parametrize("walk", ["gradient", "training"])
def test_an_input_of_whole_numbers_takes_a_fraction(walk):
    study = Study(Workspace(text=LINE, walk=walk, edits=(Edit("x", (0, 0), 1.5),)))
    np.testing.assert_allclose(last(study, "p"), [1.75, 3.5])


@pytest.mark.parametrize("walk", ["gradient", "training"])
def test_a_node_is_written_over_and_what_follows_is_computed_from_it(walk):
    study = Study(Workspace(text=LINE, walk=walk, edits=(Edit("p", (0,), 3.0),)))
    np.testing.assert_allclose(last(study, "p"), [3.0, 3.5])
    np.testing.assert_allclose(last(study, "loss"), (2.0**2 + 1.5**2) / 2)


def test_edits_are_made_one_after_another():
    edits = (Edit("w", None, 1.0), Edit("w", (0,), 2.0), Edit("p", (1,), 0.0))
    study = Study(Workspace(text=LINE, edits=edits))
    np.testing.assert_allclose(last(study, "p"), [4.0, 0.0])


def test_a_state_of_the_optimizer_is_written_over():
    text = LINE.replace("sgd(lr=0.1)", "'sgd(lr=0.1, momentum=0.9)'")
    momentum = "optimizer.w.velocity"
    study = Study(Workspace(text=text, walk="training", iteration=1,
                            edits=(Edit(momentum, None, 0.0),)))  # fmt: skip
    turn, before = study.recording.turns[0], study.before.turns[0]
    assert np.any(before.values[momentum] != 0)
    assert not np.any(turn.values[momentum])


@pytest.mark.parametrize(
    ("edit", "code"),
    [(Edit("nothing", None, 1.0), "GF020"), (Edit("w", (2,), 1.0), "GF080"),
     (Edit("w", (0, 0), 1.0), "GF080"), (Edit("w", (-1,), 1.0), "GF080")],
)  # fmt: skip
@pytest.mark.parametrize("walk", ["gradient", "training"])
def test_an_edit_of_what_is_not_there_is_refused(edit, code, walk):
    with pytest.raises(GraphflowError) as raised:
        Study(Workspace(text=LINE, walk=walk, edits=(edit,)))
    assert [d.code for d in raised.value.diagnostics] == [code]


def test_whole_numbers_stay_whole():
    with pytest.raises(GraphflowError) as raised:
        Study(Workspace(graph="gpt", edits=(Edit("tokens", (0, 0), 0.5),)))
    assert [d.code for d in raised.value.diagnostics] == ["GF031"]


def test_nan_may_be_written_and_breaks_nothing():
    study = Study(Workspace(text=LINE, edits=(Edit("w", (0,), float("nan")),)))
    assert study.failing().place in {"p", "w"}
    assert study.overlay("changes").marks["loss"].text == "value 1.25 → nan"


def test_a_study_of_one_more_edit_goes_on_with_the_one_before():
    first = Study(Workspace(text=LINE, edits=(Edit("w", None, 1.0),)))
    more = Workspace(text=LINE, edits=(Edit("w", None, 1.0), Edit("x", (0, 0), 5.0)))
    second, fresh = Study(more, earlier=first), Study(more)
    assert second.before is first.recording
    assert [s.text for s in second.steps] == [s.text for s in fresh.steps]
    assert second.overlay("changes") == fresh.overlay("changes")


def test_a_bfloat16_is_shown_as_one_and_can_be_written_over():
    narrow = LINE.replace("steps: 4}", "steps: 4, precision: bf16}")
    study = Study(Workspace(text=narrow, walk="training"))
    (product,) = (step for step in study.steps if step.node == "p")
    assert study.detail(product.index).value[0].summary.dtype == "bfloat16"
    changed = Study(Workspace(text=narrow, walk="training", edits=(Edit("p", (0,), 3.0),)))
    np.testing.assert_array_equal(last(changed, "p").astype(float), [3, 3.5])
    with pytest.raises(GraphflowError, match="GF031"):
        Study(Workspace(text=narrow, walk="training", edits=(Edit("p", (0,), 1e39),)))
