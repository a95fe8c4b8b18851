"""What chapter 8 of the book claims of normalisation and shortcuts, seen in short trainings."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as gf
from graphflow.training.feed import Feed
from tests.gallery.training import GRAPHS, losses


def last(name: str, steps: int, **overrides: object) -> float:
    """The mean loss of the last five of so many steps."""
    return float(np.mean([found["loss"] for found in losses(name, steps, **overrides)[-5:]]))


@pytest.mark.slow
def test_batch_norm_lets_a_rate_of_one_train():
    """Without it the sigmoids stay flat and the loss at chance, ln 10."""
    assert last("lenet_bn", 24) < 1
    assert last("lenet_bn", 24, norm=False) > 2.25


@pytest.mark.slow
def test_shortcuts_train_where_a_plain_net_of_the_same_depth_does_not():
    assert last("residual_depth", 25) < 0.7 * last("residual_depth", 25, shortcut=False)


def test_gamma_and_beta_learn_to_undo_the_normalisation():
    """The mean deviation of 4 normal numbers is sqrt(2 / 4) gamma(2) / gamma(1.5) of theirs."""
    model = gf.load(GRAPHS["batch_norm"])
    gf.train(model)
    deviation = 3 * math.sqrt(0.5) * math.gamma(2) / math.gamma(1.5)
    assert np.allclose(model.parameters["scratch.gamma"], deviation, atol=0.4)
    assert np.allclose(model.parameters["scratch.beta"], 5, atol=0.4)


def test_the_scratch_variance_is_the_biased_one():
    """Both forget their start by 0.9 a step; then one is three quarters of the other."""
    model = gf.load(GRAPHS["batch_norm"])
    gf.train(model)
    scratch, library = model.state["scratch.moving_var"], model.state["library.running_var"]
    assert np.allclose(scratch, 0.75 * library, rtol=1e-3)


def test_of_rows_that_are_all_alike_only_the_shift_survives():
    model = gf.load(GRAPHS["batch_norm"])
    model.parameters["scratch.beta"] = np.array([0.5, -1.0])
    program = model.compile("scratch", mode="train")
    value = program({"rows": np.tile([[7.0, 3.0]], (4, 1))}).values["scratch"]
    assert np.allclose(value, [[0.5, -1.0]] * 4)


def test_scratch_and_library_go_the_same_way_in_training():
    models = [gf.load(GRAPHS[name]) for name in ("lenet_bn_scratch", "lenet_bn")]
    for ours, theirs in zip(models[0].parameters, models[1].parameters, strict=True):
        models[0].parameters[ours] = models[1].parameters[theirs]
    for model in models:
        trainer = model.trainer(dtype="float64")
        feed = Feed(model.elaborated, GRAPHS["lenet_bn"].parent, 0)
        trainer.start_epoch(0)
        for fed, _ in list(feed.training(0))[:3]:
            trainer.step(fed)
    scratch, library = models
    pairs = zip(scratch.parameters.values(), library.parameters.values(), strict=True)
    assert all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in pairs)
    ours = scratch.state["logits.batch_norm_scratch3.moving_var"]
    theirs = library.state["logits.squash3.n.running_var"]
    kept = 0.9**3
    assert np.allclose(ours - kept, (theirs - kept) * 127 / 128, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("a", [0.1, 1000, -3])
def test_layer_norm_loses_the_length_of_a_row_but_not_its_sign(a):
    model = gf.load(GRAPHS["layer_norm"], {"eps": 1e-9})
    values = model.compile("scaled", keep=["library"])({"a": a}).values
    assert np.allclose(values["scaled"], np.sign(a) * values["library"], atol=1e-5)


def test_layer_norm_of_a_row_as_small_as_the_root_of_eps_shrinks():
    model = gf.load(GRAPHS["layer_norm"])
    values = model.compile("scaled", keep=["library"])({"a": 1e-4}).values
    assert np.abs(values["scaled"]).max() < 0.1 * np.abs(values["library"]).max()


@pytest.mark.parametrize(("block", "norm"), [("residual(x, 3)", "bn2"),
                                             ("resnext_block(x, 3, 3, 1)", "bn3")])  # fmt: skip
def test_a_block_whose_branch_is_zero_is_relu(block, norm):
    model = gf.loads(
        f"graphflow: 1\nname: b\ninputs: {{x: {{shape: [4, 3, 6, 6]}}}}\n"
        f"nodes:\n  y: {block}\noutputs: [y]\n"
    )
    model.parameters[f"y.{norm}.weight"] = np.zeros(3)
    x = np.random.default_rng(0).normal(size=(4, 3, 6, 6)).astype(np.float32)
    assert np.array_equal(model.compile("y", mode="train")({"x": x}).values["y"], np.maximum(x, 0))


def test_the_scores_of_nin_are_never_negative():
    model = gf.load(GRAPHS["nin"])
    image = np.random.default_rng(0).uniform(size=(4, 1, 72, 72)).astype(np.float32)
    assert model.compile("logits")({"image": image}).values["logits"].min() >= 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18_book", "resnext", "densenet", "regnetx32"])
def test_nets_with_batch_norm_learn_from_the_first_epoch_on(name):
    assert last(name, 23) < 0.9 * np.log(10)
