"""What programs, trainers and checks share, and what they must not touch."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import graphflow as gf
from graphflow.ops.op import Array
from graphflow.training.checks import run_checks

HEAD = "graphflow: 1\nname: t\n"
LINE = HEAD + """
inputs: {x: {shape: [B, 3]}}
params: {w: {shape: [3], init: normal}}
nodes: {f: "dropout(x, 0.2) @ w", loss: mean((f - 1) ** 2)}
train: {minimize: loss, optimizer: adam(lr=0.1)}
"""
CARRIED = HEAD + """
inputs: {x: {shape: [B]}}
params: {w: {shape: scalar, init: ones}}
state: {h: {shape: [B], init: zeros}}
nodes: {y: h + w * x, loss: mean(y ** 2)}
updates: {h: stop_gradient(y)}
train: {minimize: loss, optimizer: sgd(lr=0), report: [loss]}
"""
X = np.random.default_rng(0).standard_normal((4, 3))


def steps(trainer: gf.Trainer, count: int) -> None:
    for _ in range(count):
        trainer.step({"x": X})


def weights(model: gf.Model) -> Array:
    return np.array(model.parameters["w"])


def test_a_second_trainer_leaves_the_first_ones_optimizer_alone():
    alone, disturbed = gf.loads(LINE), gf.loads(LINE)
    first, again = alone.trainer(), disturbed.trainer()
    steps(first, 5)
    steps(again, 3)
    disturbed.trainer(seed=7)
    steps(again, 2)
    np.testing.assert_array_equal(weights(alone), weights(disturbed))


def test_first_values_come_from_the_models_seed():
    one, two = gf.loads(LINE), gf.loads(LINE)
    one.trainer(seed=1)
    two.trainer(seed=2)
    np.testing.assert_array_equal(weights(one), weights(two))
    other = gf.loads(LINE, {"train.seed": 3})
    assert not np.array_equal(weights(one), weights(other))


def test_evaluation_and_programs_leave_a_carried_state_alone():
    model = gf.loads(CARRIED)
    trainer = model.trainer()
    trainer.step({"x": np.full(3, 2.0)})
    np.testing.assert_array_equal(model.state["h"], [2, 2, 2])
    assert trainer.evaluate([({"x": np.ones(2)}, 2)])["loss"] == 1
    assert model.compile(of="y")({"x": np.ones(5)})["y"].tolist() == [1] * 5
    np.testing.assert_array_equal(model.state["h"], [2, 2, 2])
    np.testing.assert_array_equal(model.compile(of="y")({"x": np.ones(3)})["y"], [3, 3, 3])


def test_a_state_dict_is_enough_to_go_on_bit_for_bit():
    whole, broken = gf.loads(LINE), gf.loads(LINE)
    trainer = whole.trainer()
    steps(trainer, 6)
    first = broken.trainer()
    steps(first, 2)
    saved = first.state_dict()
    later = gf.loads(LINE)
    second = later.trainer()
    second.load_state_dict(saved)
    steps(second, 4)
    np.testing.assert_array_equal(weights(whole), weights(later))


def test_a_state_dict_before_the_first_step_brings_back_the_start():
    model = gf.loads(LINE)
    trainer = model.trainer()
    start = trainer.state_dict()
    before = weights(model)
    steps(trainer, 3)
    assert not np.array_equal(before, weights(model))
    trainer.load_state_dict(start)
    np.testing.assert_array_equal(before, weights(model))


def test_float32_stays_float32_where_nothing_is_lost():
    model = gf.loads(LINE)
    live = model.parameters["w"]
    model.parameters["w"] = np.zeros(3)
    assert model.parameters["w"] is live and live.dtype == np.float32
    model.compile(of="loss", dtype="float64")({"x": X})
    assert model.parameters["w"] is live
    model.parameters["w"] = np.array([0.1, 0.2, 0.3])
    assert model.parameters["w"].dtype == np.float64
    model.trainer(dtype="float64")
    model.parameters["w"] = np.zeros(3)
    assert model.parameters["w"].dtype == np.float64


def test_checks_leave_everything_as_it_was():
    entry = "feed: {x: [[1, 2, 3]]}, params: {w: [0.1, 0, 0]}, expect: {loss: 0.81}"
    model = gf.loads(LINE + f"check: [{{{entry}, updated: {{w: [0.2, 0.1, 0.1]}}, mode: train}}]\n")
    before = weights(model)
    run_checks(model)
    assert weights(model).dtype == before.dtype and np.array_equal(weights(model), before)


def test_an_input_may_be_called_cotangent_and_a_choice_may_be_fed():
    model = gf.loads(HEAD + """
inputs: {x: {shape: [2]}, cotangent: scalar}
nodes: {c: x * 2 if training else x * 3, y: c * cotangent}
""")
    program = model.compile(of="y", wrt="x", dtype="float64")
    found = program({"x": [1.0, 2.0], "cotangent": 10.0}, cotangent=np.ones(2))
    np.testing.assert_array_equal(found["y"], [30, 60])
    np.testing.assert_array_equal(found.gradients["x"], [30, 30])
    kept = model.compile(of="y", keep=["c"])({"x": [1, 2], "cotangent": 10, "c": [5, 6]})
    np.testing.assert_array_equal(kept["c"], [5, 6])


@pytest.mark.parametrize("plan", ["fast", "plain", "guarded"])
def test_a_missing_feed_is_a_diagnostic_every_time(plan: str):
    model = gf.loads(HEAD + "inputs: {x: scalar, z: scalar}\nnodes: {y: x * z}\n")
    program = model.compile(of="y", plan=plan)
    program({"x": 1, "z": 2})
    with pytest.raises(gf.GraphflowError, match="GF065"):
        program({"x": 1})


def test_threads_take_turns():
    model = gf.loads(HEAD + "inputs: {x: {shape: [500]}}\nnodes: {y: sum(x * 2 + 1)}\n")
    program = model.compile(of="y", dtype="float64")
    wrong: list[float] = []

    def work(value: float) -> None:
        for _ in range(50):
            found = float(program({"x": np.full(500, value)})["y"])
            if found != 500 * (2 * value + 1):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(float(v),)) for v in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_only_the_latest_plans_are_kept():
    model = gf.loads(HEAD + "inputs: {x: {shape: [B]}}\nnodes: {y: x + 1}\n")
    program = model.compile(of="y")
    for rows in range(1, 60):
        program({"x": np.zeros(rows)})
    assert len(program.compiler._plans) <= 16


def test_a_first_value_that_is_stretched_or_cast_is_the_leafs_own():
    model = gf.loads("""
graphflow: 1
name: starts
state:
  k: {shape: [3], init: 'ones([])'}
  n: {shape: scalar, init: zeros, dtype: float64}
nodes: {y: sum(k) + n}
""")
    assert model.state["k"].tolist() == [1, 1, 1]
    assert model.state["n"].dtype == np.float64
    assert set(model.elaborated.initial.aliases).isdisjoint(model.elaborated.initial.nodes)
    assert gf.loads(model.expanded()).state["k"].tolist() == [1, 1, 1]
