"""``run:``: steps of a graph that is not trained, in Python."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.training.run_folder import RunFolder
from tests.training.killing import killed, needs_fork

HEAD = "graphflow: 1\nname: t\n"
HERON = HEAD + """
state: {x: {shape: scalar, init: 1, dtype: float64}}
nodes: {x_next: (x + 2 / x) / 2}
updates: {x: x_next}
run: {steps: STEPS, until: UNTIL, history: [x, x_next], report: [x_next]}
"""
WALK = HEAD + """
state: {x: {shape: [2], init: zeros}}
nodes: {step: 'normal([2])', x_next: x + step}
updates: {x: x_next}
run: {steps: 40, history: [x, step], seed: 3}
"""


def heron(steps: object = 50, until: str = "abs(x_next - x) < 1e-12") -> gf.Model:
    return gf.loads(HERON.replace("STEPS", str(steps)).replace("UNTIL", until))


def refused(text: str) -> list[str]:
    with pytest.raises(GraphflowError) as caught:
        gf.loads(HEAD + text)
    return [f"{d.code}: {d.message}" for d in caught.value.diagnostics]


def test_the_step_in_which_until_holds_is_the_last():
    model = heron()
    outcome = gf.run(model)
    x = outcome.history["x"].values
    assert outcome.finished and not outcome.interrupted
    assert np.abs(np.diff(x))[-1] < 1e-12 <= np.abs(np.diff(x))[-2]
    assert outcome.progress.step == len(x) - 1 == len(outcome.history["x_next"].values)
    assert model.state["x"] == x[-1] == outcome.history["x_next"].values[-1]
    assert x[-1] == pytest.approx(2**0.5, abs=1e-15)


def test_a_condition_that_does_not_come_true_ends_at_the_bound_with_its_values_kept():
    model = heron(3)
    outcome = gf.run(model)
    assert not outcome.finished and outcome.progress.step == 3
    np.testing.assert_allclose(outcome.history["x"].values, [1, 1.5, 17 / 12, 577 / 408])


def test_values_of_one_step_belong_together():
    history = gf.run(heron()).history
    x, following = history["x"].values, history["x_next"].values
    np.testing.assert_array_equal(following, x[1:])


def test_a_graph_in_which_nothing_changes_runs_once():
    model = gf.loads(HEAD + "nodes: {y: 2 + arange(3)}\nrun: {steps: 1, report: [y]}")
    assert gf.run(model).metrics == {"y": 3.0}
    assert gf.run(gf.loads(HEAD + "nodes: {y: 2 + arange(3)}\nrun: {steps: 1}")).metrics == {}


def test_what_a_run_section_cannot_mean_is_refused():
    graph = "state: {x: {shape: scalar, init: 1}}\nnodes: {y: x / 2}\nupdates: {x: y}\n"
    assert refused(graph + "run: {until: y < 1}") == [
        "GF012: a run needs the key 'steps' or 'epochs'"
    ]
    (kind,) = refused(graph + "run: {steps: 3, until: y}")
    assert kind == "GF031: 'until' needs one truth value, but this is float[]"
    (data,) = refused(graph + "run: {epochs: 3}")
    assert data.startswith("GF078: 'epochs' are passes over data")
    (still,) = refused("params: {x: {shape: scalar, init: 1}}\nnodes: {y: x / 2}\nrun: {steps: 3}")
    assert still.startswith("GF067: every step of this run is the same")
    train = "params: {w: {shape: scalar, init: 1}}\nnodes: {y: w ** 2}\n"
    train += "train: {minimize: y, optimizer: sgd(lr=1), steps: 1}\nrun: {steps: 3}"
    assert refused(train) == ["GF010: a file has one of 'train' and 'run'"]
    names = refused(graph + "run: {steps: 3, history: [z], report: [yy], until: x > q}")
    assert sorted(names) == [f"GF020: unknown name '{name}'" for name in ("q", "yy", "z")]


def test_train_and_run_each_say_that_the_file_is_the_others():
    with pytest.raises(GraphflowError, match="has a 'run:' section"):
        gf.train(heron())
    with pytest.raises(GraphflowError, match="no 'run:' section"):
        gf.run(gf.loads(HEAD + "nodes: {x: '1'}"))


def test_the_long_form_runs_the_same():
    first, second = heron(), heron()
    long = gf.loads(second.expanded())
    assert gf.run(first).progress.step == gf.run(long).progress.step
    assert first.state["x"] == long.state["x"]


def test_draws_depend_on_seed_and_step_alone():
    runs = [gf.run(gf.loads(WALK)), gf.run(gf.loads(WALK)), gf.run(gf.loads(WALK), seed=4)]
    first, again, other = (run.history["step"].values for run in runs)
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)
    assert len(np.unique(first)) == first.size


@needs_fork
def test_a_killed_run_ends_with_the_history_of_an_undisturbed_one(tmp_path):
    gf.run(gf.loads(WALK), dtype="float64", out=tmp_path / "whole")
    killed(gf.loads(WALK), tmp_path / "cut", saves=11, dies=30)
    assert RunFolder(tmp_path / "cut").history("step").steps.tolist() == list(range(30))
    gf.resume(tmp_path / "cut")
    for name in ("leaves.npy", "nodes.npy"):
        whole, cut = (tmp_path / run / "history" / name for run in ("whole", "cut"))
        assert whole.read_bytes() == cut.read_bytes()
    assert RunFolder(tmp_path / "cut").history("x").steps.tolist() == list(range(41))


def test_a_run_that_goes_on_is_the_longer_run(tmp_path):
    longer = gf.run(gf.loads(WALK), steps=60)
    gf.run(gf.loads(WALK), out=tmp_path / "run")
    outcome = gf.resume(tmp_path / "run", steps=60)
    for name in ("x", "step"):
        np.testing.assert_array_equal(outcome.history[name].values, longer.history[name].values)
    assert outcome.history["x"].steps.tolist() == list(range(61))


def test_schedules_count_the_steps_of_a_run():
    text = HEAD + """
state: {x: {shape: scalar, init: 0}}
nodes: {rate: 'exponential_lr(8, 0.5)', number: step}
updates: {x: x + rate}
run: {steps: 4, history: [number, x]}
"""
    history = gf.run(gf.loads(text)).history
    assert history["number"].values.tolist() == [1, 2, 3, 4]


DATA = HEAD + """
inputs: {x: {shape: [B, 4]}, y: {shape: [B], dtype: int}}
state:
  total: {shape: [4], init: zeros, dtype: float64}
  count: {shape: scalar, init: zeros, dtype: float64}
nodes:
  total_next: total + sum(x, axis=0)
  count_next: count + dim(x, 0)
  mean_so_far: total_next / count_next
  spread: mean((x - mean_so_far) ** 2)
updates: {total: total_next, count: count_next}
data: {source: iris, feed: {x: x, y: label}, batch: 32, split: {train: 0.8, test: 0.2}}
run: {epochs: 1, history: [count], report: [spread]}
figures: {spread: {kind: line, y: [train/spread, test/spread]}}
"""


def test_batches_are_fed_as_in_training_and_other_parts_are_evaluated():
    model = gf.loads(DATA)
    outcome = gf.run(model)
    counts = outcome.history["count"].values.tolist()
    assert counts == [0, 32, 64, 96, 120]
    assert model.state["count"] == 120
    assert set(outcome.metrics) == {"train/spread", "test/spread"}
    from graphflow.training.feed import Feed

    feed = Feed(model.elaborated, None, 0)
    rows = np.concatenate([fed["x"] for fed, _ in feed.training(0)])
    np.testing.assert_allclose(model.state["total"], rows.sum(axis=0), rtol=1e-6)


def test_parameters_may_be_changed_by_hand():
    text = HEAD + """
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
params: {w: {shape: [2, 1], init: zeros}, b: {shape: [1], init: zeros}}
nodes:
  loss: mean((x @ w + b - y) ** 2) / 2
  gw, gb: gradient(loss, [w, b])
updates: {w: w - 0.1 * gw, b: b - 0.1 * gb}
data: {source: synthetic_regression, w: [2, -3.4], b: 4.2, n: 1000, feed: {x: x, y: y}, batch: 20}
run: {epochs: 4, report: [loss]}
"""
    model = gf.loads(text)
    gf.run(model)
    np.testing.assert_allclose(model.parameters["w"][:, 0], [2, -3.4], atol=0.02)
    np.testing.assert_allclose(model.parameters["b"], 4.2, atol=0.02)


def test_an_input_that_nothing_feeds_is_named():
    text = HEAD + """
inputs: {x: scalar}
state: {s: {shape: scalar, init: 0}}
nodes: {y: s + x}
updates: {s: y}
run: {steps: 3}
"""
    with pytest.raises(GraphflowError) as caught:
        gf.run(gf.loads(text))
    assert caught.value.diagnostics[0].code in ("GF065", "GF078")


def test_dropout_is_off_in_a_run():
    text = HEAD + """
state: {x: {shape: [100], init: ones}}
nodes: {y: 'dropout(x, 0.5)'}
updates: {x: y}
run: {steps: 3}
"""
    model = gf.loads(text)
    gf.run(model)
    assert model.state["x"].tolist() == [1] * 100


DIVERGES = HEAD + """
state: {x: {shape: [2], init: ones}}
nodes:
  f: sum(x ** 2)
  x_next: x - 3 * gradient(f, x)
updates: {x: x_next}
run: {steps: 400, WORDS}
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("report: [f]", "f is inf in step"),
        ("until: f < 1e-6", "'until' compares a nan in step"),
        ("until: 'f < 1e-6 and x[0] > 0'", "'until' compares a nan in step"),
    ],
)
def test_a_run_that_diverges_ends_with_what_to_do(words: str, message: str):
    """x is multiplied by 1 - 2 * 3 = -5 in each step: float32 ends at 5^55."""
    with pytest.raises(GraphflowError, match="GF062") as caught:
        gf.run(gf.loads(DIVERGES.replace("WORDS", words)))
    (found,) = caught.value.diagnostics
    assert found.message.startswith(message) and "check_finite: false" in (found.help or "")


def test_values_that_are_not_finite_may_be_meant():
    words = "report: [f], until: f < 1e-6, check_finite: false"
    model = gf.loads(DIVERGES.replace("WORDS", words))
    outcome = gf.run(model)
    assert outcome.progress.step == 400 and not outcome.finished
    assert gf.loads(model.expanded()).elaborated.run.check_finite is False
    infinite = HEAD + """
state: {last: {shape: scalar, init: inf}, x: {shape: scalar, init: 4}}
nodes: {x_next: x / 2}
updates: {x: x_next, last: x}
run: {steps: 9, until: last - x < 1, report: [x]}
"""
    assert gf.run(gf.loads(infinite)).finished  # an infinity that is compared has its order
