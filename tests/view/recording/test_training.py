"""A recorded training step has the numbers of the trainer's own, turn by turn."""

import numpy as np
import pytest

import graphflow as gf
from graphflow.training.feed import open_feed
from graphflow.view.feeding import few_rows
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

REGRESSION = """
graphflow: 1
name: two batches an update
let: {every: 2}
inputs: {x: [B, 2], y: [B]}
params: {w: {shape: [2], init: full(0.5)}}
nodes:
  loss: mean((x @ w - y) ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1), accumulate: every, steps: 4}
check:
  - feed: {x: [[1, 2], [3, 4]], y: [1, 2]}
    expect: {loss: 1.25}
"""


def trained(model: gf.Model, steps: int) -> dict[str, np.ndarray]:
    """All that training changes after so many steps, on batches of a few rows."""
    stepping = model.stepping(dtype="float64")
    feed = open_feed(few_rows(model), model.folder, stepping.seed)
    stepping.start_epoch(0)
    batches = iter(feed.training(0))
    for _ in range(steps):
        batch, _ = next(batches)
        last = batch

        def fresh(last=last):
            return next(batches, (last, 0))[0]

        stepping.step(batch, fresh)
    return stepping.state_dict()


def left_by(study: Study) -> dict[str, np.ndarray]:
    """What the recorded step leaves parameters and states with."""
    found = {}
    for turn in study.recording.turns:
        for leaf, value in turn.graph.updates.items():
            found[leaf] = turn.values[value]
    return found


@pytest.mark.parametrize(
    ("name", "iteration"),
    [("linear_regression_scratch", 0), ("mlp", 2), ("gan", 1), ("gd_2d", 2), ("q_learning", 2),
     *(pytest.param(name, 1, marks=pytest.mark.slow) for name in ("lstm", "gpt", "lenet_search"))],
)  # fmt: skip
def test_a_recorded_step_leaves_what_the_trainer_leaves(name, iteration):
    study = Study(Workspace(graph=name, walk="training", iteration=iteration))
    expected, found = trained(gf.load(name), iteration + 1), left_by(study)
    assert found
    for leaf, value in found.items():
        np.testing.assert_allclose(value, expected[leaf], rtol=1e-12, atol=1e-12, err_msg=leaf)


def test_each_player_of_a_gan_has_a_turn():
    study = Study(Workspace(graph="gan", walk="training"))
    assert study.overview().turns == ("discriminator", "generator")
    assert {s.turn for s in study.steps} == {0, 1}
    first = study.recording.turns[0].graph
    assert set(first.updates).isdisjoint(study.model.elaborated.instances["G"])


def test_several_batches_make_one_update():
    study = Study(Workspace(text=REGRESSION, walk="training", iteration=1))
    assert study.overview().turns == ("step", "step: update")
    last = study.recording.turns[-1]
    # by hand: the residuals are 0.5 and 1.5, so the gradient of each batch is (5, 7)
    np.testing.assert_allclose(last.values[last.graph.updates["w"]], [0.5 - 0.5, 0.5 - 0.7])


def test_recording_changes_nothing_of_what_is_trained():
    once = Study(Workspace(graph="mlp_math", walk="training", iteration=1))
    again = Study(once.workspace, earlier=once)
    assert again.walk is once.walk
    assert [s.text for s in again.steps] == [s.text for s in once.steps]


@pytest.mark.parametrize("iteration", [0, 3])
def test_a_study_gone_on_with_is_as_one_opened_afresh(iteration):
    first = Study(Workspace(graph="mlp_math", walk="training", iteration=2))
    moved = Study(Workspace(graph="mlp_math", walk="training", iteration=iteration), earlier=first)
    fresh = Study(moved.workspace)
    assert moved.walk is first.walk
    for a, b in zip(moved.recording.turns, fresh.recording.turns, strict=True):
        assert a.values.keys() == b.values.keys()
        for name, value in a.values.items():
            np.testing.assert_array_equal(value, b.values[name])


def test_a_run_whose_steps_change_something_is_walked_as_steps_unless_told():
    walks = {
        "gd_1d": "training", "mlp_math": "gradient", "xyz": "gradient", "corr2d": "gradient"
    }  # fmt: skip
    for name, walk in walks.items():
        assert Study(Workspace(graph=name)).overview().walk == walk
    assert Study(Workspace(graph="gd_1d", of="f")).overview().walk == "gradient"
    assert Study(Workspace(graph="gd_1d", walk="gradient")).overview().walk == "gradient"


def test_the_gradient_after_other_steps_is_another_one():
    first = Study(Workspace(graph="gd_1d", walk="gradient"))
    moved = Study(Workspace(graph="gd_1d", walk="gradient", iteration=1), earlier=first)
    assert float(first.value(0, "f")) == 100
    assert float(moved.value(0, "f")) == 36
