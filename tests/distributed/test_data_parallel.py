"""k workers with B / k rows each train as one process with B rows does."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import graphflow as gf
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.runs import Way, started
from graphflow.training.run_settings import RunSettings
from tests.distributed.here import Here, assert_same, trained

MODELS = {
    "mlp": ({"p_drop": 0}, (1, 2, 4)),
    "lenet": ({}, (1, 2, 4)),
    "transformer_mt": ({}, (1, 2, 4)),
    "lstm": ({}, (3,)),  # time first, a state that is carried by rows
}


@pytest.mark.parametrize("name", MODELS)
def test_workers_train_as_one_process_does(name):
    overrides, counts = MODELS[name]
    one, last = trained(gf.load(name, overrides))
    for workers in counts:
        several, shared = trained(gf.load(name, overrides), Here(workers))
        assert_same(one, several)
        assert float(shared["loss"]) == pytest.approx(float(last["loss"]), abs=1e-9)


SMALL = """
graphflow: 1
name: small
inputs: {x: [B, 64], y: {shape: [B], dtype: int}}
nodes:
  h: relu(linear(x, 16))
  loss: cross_entropy(linear(h, 10), y)
data: {source: digits, batch: 50, feed: {x: pixels / 16, y: label}}
train:
  minimize: loss
  optimizer: adam(lr=1e-2)
  epochs: 1
  seed: 3
  OPTIONS
"""


@pytest.mark.parametrize("options", ["accumulate: 3", "average: ema(decay=0.9)", "clip_norm: 0.1"])
def test_what_else_a_step_does_is_done_once(options):
    text = SMALL.replace("OPTIONS", options)
    one, _ = trained(gf.loads(text), steps=40)
    several, _ = trained(gf.loads(text), Here(3), steps=40)
    assert_same(one, several, 1e-9)


def test_a_checkpoint_of_workers_is_one_of_a_single_process(tmp_path):
    text = SMALL.replace("OPTIONS", "")
    several, _ = trained(gf.loads(text), Here(2), steps=5)
    one = gf.loads(text).trainer(dtype="float64")
    one.load_state_dict(several.state_dict())
    assert one.state_dict().keys() == several.state_dict().keys()


def test_parts_and_runs_draw_random_numbers_of_their_own():
    text = """
graphflow: 1
name: drawn
inputs: {x: [B, 4]}
params: {w: {shape: [4], init: zeros}}
nodes: {u: "uniform([B])", loss: mean(u) + sum(w) + 0 * sum(x)}
train: {minimize: loss, optimizer: sgd(lr=0.1), report: [u]}
"""
    trainer = gf.loads(text).trainer(dtype="float64", shared=partial(SharedPlayer, Here(3)))
    drawn = [trainer.step({"x": np.zeros((6, 4))})["u"] for _ in range(2)]
    assert len(set(np.concatenate(drawn).tolist())) == 12


def test_players_that_are_fed_nothing_draw_their_rows():
    one, last = trained(gf.load("gan"), steps=4)
    several, shared = trained(gf.load("gan"), Here(2), steps=4)
    assert one.state_dict().keys() == several.state_dict().keys()
    assert all(np.isfinite(shared[name]).all() for name in last)


def test_an_iteration_has_no_batches_to_share(tmp_path):
    model = gf.load("gd_1d")
    with pytest.raises(gf.GraphflowError, match="GF044"):
        started(model, RunSettings(workers=2, backend="numpy"), None, Way())


def test_an_address_without_workers_is_refused():
    with pytest.raises(gf.GraphflowError, match=r"GF033.*workers"):
        gf.train(gf.load("mlp"), address="auto", steps=1)


COUNTING = """
graphflow: 1
name: counting
inputs: {x: [B]}
params: {w: {shape: scalar, init: ones}}
state: {n: {shape: scalar, dtype: int, init: zeros}}
nodes: {loss: mean(w * x)}
updates: {n: CHANGE}
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""


@pytest.mark.parametrize("change", ["n + B", "'n + cast(sum(x), int)'"])
def test_whole_numbers_made_from_a_batch_are_refused(change):
    model = gf.loads(COUNTING.replace("CHANGE", change))
    trainer = model.trainer(shared=partial(SharedPlayer, Here(2)))
    with pytest.raises(gf.GraphflowError, match="'n' is of whole numbers") as caught:
        trainer.step({"x": np.ones(6)})
    assert caught.value.diagnostics[0].code == "GF044"


def test_whole_numbers_that_count_updates_are_counted_once():
    model = gf.loads(COUNTING.replace("CHANGE", "n + 1"))
    trainer = model.trainer(shared=partial(SharedPlayer, Here(2)))
    for _ in range(3):
        trainer.step({"x": np.ones(5)})
    assert int(model.state["n"]) == 3


def test_a_batch_of_no_rows_goes_to_one_worker():
    text = COUNTING.replace("CHANGE", "n + 1").replace("mean(w * x)", "sum(w * x)")
    model = gf.loads(text)
    trainer = model.trainer(shared=partial(SharedPlayer, Here(2)))
    assert float(trainer.step({"x": np.ones(0)})["loss"]) == 0
    assert float(model.parameters["w"]) == 1
