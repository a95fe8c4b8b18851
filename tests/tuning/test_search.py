"""Searches with real runs, in worker processes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from safetensors.numpy import load_file

import graphflow as gf
from graphflow.training.run_folder import RunFolder
from graphflow.tuning.folder import TuneFolder

pytestmark = pytest.mark.slow


class Seen:
    def __init__(self):
        self.events = []

    def on_event(self, search, event, trial):
        self.events.append((event.event, event.trial, event.epoch, trial.state))

    def on_tick(self, search):
        pass


def told(tuned):
    return [(t.configuration, t.values, t.state) for t in tuned.trials]


def test_a_sequential_search_is_reproducible_and_its_best_is_that_of_its_runs(digits, tmp_path):
    first = gf.tune(digits, out=tmp_path / "a")
    second = gf.tune(digits, out=tmp_path / "b")
    assert told(first) == told(second)
    assert [t.state for t in first.trials] == ["complete"] * 4
    assert first.trials[0].configuration["lr"] == 0.1  # start: first
    logs = [RunFolder.open(first.folder / f"trials/{n:04d}").metrics() for n in range(4)]
    accuracies = [row.metrics["test/accuracy"] for log in logs for row in log]
    assert len(accuracies) == 16 and first.value == max(accuracies)
    assert json.loads((first.folder / "best.json").read_text()) == dict(first.best)
    again = gf.train(gf.load(digits, first.best), epochs=first.epoch)
    assert again.metrics["test/accuracy"] == first.value


def test_the_best_trial_keeps_the_epoch_that_its_value_is_of(digits, tmp_path):
    """A rate that grows with every epoch spoils what the first epochs have learned."""
    overrides = {"train.optimizer": "sgd(lr=lr * 30 ** epoch)", "tune.trials": 1}
    tuned = gf.tune(digits, overrides, out=tmp_path / "t")
    assert tuned.epoch < 4 and tuned.trials[0].epoch == 4
    again = gf.train(gf.load(digits, {**overrides, **tuned.best}), epochs=tuned.epoch)
    assert again.metrics["test/accuracy"] == tuned.value
    same = gf.load(digits, {**overrides, **tuned.best})
    gf.train(same, epochs=tuned.epoch)
    kept = gf.load_run(tuned.run, checkpoint="best")
    assert all(np.array_equal(kept.parameters[n], same.parameters[n]) for n in same.parameters)


def test_halving_resumes_trials_and_a_resumed_trial_equals_an_undisturbed_one(digits, tmp_path):
    overrides = {"tune.scheduler": "successive_halving(max_epochs=4)", "train.epochs": 1}
    tuned = gf.tune(digits, overrides, out=tmp_path / "t")
    assert sorted(t.epoch for t in tuned.trials) == [1, 1, 2, 4]
    assert sorted(t.state for t in tuned.trials) == ["complete", "stopped", "stopped", "stopped"]
    (last,) = (t for t in tuned.trials if t.epoch == 4)
    gf.train(gf.load(digits, dict(last.configuration)), epochs=4, out=tmp_path / "whole")
    file = "checkpoints/step-00000060.safetensors"
    a = load_file(TuneFolder(tuned.folder).trial(last.number) / file)
    b = load_file(tmp_path / "whole" / file)
    assert a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_trial_whose_loss_is_not_finite_fails_and_the_search_goes_on(digits, tmp_path):
    space = {"tune.start": "[{lr: 1e30}]", "tune.space.lr": "loguniform(1e-3, 1e30)"}
    tuned = gf.tune(digits, space, trials=2, out=tmp_path / "t")
    assert tuned.trials[0].state == "failed" and tuned.trials[0].message.startswith("GF062")
    assert len(tuned.trials) == 2


def test_a_search_stops_in_time_and_goes_on(digits, tmp_path):
    from graphflow.tuning import Limits, resumed

    long = {"train.epochs": 100_000}
    tuned = gf.tune(digits, long, trials=2, time=9.0, out=tmp_path / "t")
    assert tuned.seconds < 20 and not tuned.interrupted
    (begun,) = tuned.trials
    assert begun.state == "waiting" and begun.epoch > 0
    more = resumed(tmp_path / "t", Limits(time=tuned.seconds + 9.0)).run()
    (again,) = more.trials
    assert again.epoch > begun.epoch and again.configuration == begun.configuration
    assert all(again.values[e] == v for e, v in begun.values.items())


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
@pytest.mark.parametrize("scheduler", ["asha", "hyperband", "asha(type=promotion)"])
def test_samplers_and_schedulers_with_two_workers(digits, tmp_path, sampler, scheduler):
    pytest.importorskip("torch" if sampler == "gp" else "optuna")
    seen, change = Seen(), {"tune.sampler": sampler, "tune.scheduler": scheduler}
    tuned = gf.tune(digits, change, workers=2, trials=5, out=tmp_path / "t", listener=seen)
    assert {t.state for t in tuned.trials} <= {"complete", "stopped"}
    assert len(tuned.trials) == 5 and math.isfinite(tuned.value)
    assert {kind for kind, *_ in seen.events} == {"start", "epoch", "end"}


def test_without_data_trials_are_compared_by_what_their_steps_come_to(tmp_path):
    """w goes to (1 - 2 lr)^k w: the loss before the last of ten steps is (1 - 2 lr)^18."""
    file = tmp_path / "bowl.yaml"
    file.write_text("""\
graphflow: 1
name: bowl
let: {lr: 0.1}
params: {w: {shape: scalar, init: ones}}
nodes: {loss: w ** 2}
train: {minimize: loss, optimizer: sgd(lr=lr), steps: 10}
tune: {space: {lr: 'uniform(0, 1)'}, metric: train/loss, mode: min, trials: 4}
""")
    tuned = gf.tune(file, out=tmp_path / "t", dtype="float64")
    for trial in tuned.trials:
        assert trial.values == {1: pytest.approx((1 - 2 * trial.configuration["lr"]) ** 18)}
    nearest = min(tuned.trials, key=lambda t: abs(t.configuration["lr"] - 0.5))
    assert tuned.trial == nearest.number
