"""Training with products in bfloat16: what is kept, what is written down, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from graphflow.training.feed import open_feed
from tests.canned import graphs
from tests.gallery.training import GRAPHS, needs_data
from tests.training.small_net import rows

NET = """
graphflow: 1
name: net
inputs: {x: {shape: [B, 2]}, y: {shape: [B, 1]}}
nodes:
  h: tanh(linear(x, 8))
  f: linear(h, 1)
  loss: mse_loss(f, y)
data: {source: synthetic_regression, n: 100, batch: 20, split: {train: 0.8, test: 0.2}}
train:
  minimize: loss
  optimizer: adam(lr=0.01)
  epochs: 4
  report: [loss, h]
"""
CLASSIFIER = """
graphflow: 1
name: classifier
inputs: {x: {shape: [B, 3]}, y: {shape: [B], dtype: int}}
nodes:
  logits: linear(relu(linear(x, 5)), 2)
  loss: cross_entropy(logits, y)
train: {minimize: loss, optimizer: sgd(lr=0.1), precision: bf16, report: [loss, logits]}
"""


def trained(model: gf.Model, **how) -> dict[str, np.ndarray]:
    gf.train(model, **how)
    return {name: np.array(value) for name, value in model.parameters.items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_the_file_python_and_an_override_say_the_same():
    by_python = trained(gf.loads(NET), precision="bf16")
    by_override = trained(gf.loads(NET, {"train.precision": "bf16"}))
    assert same(by_python, by_override)
    assert not same(by_python, trained(gf.loads(NET)))
    assert same(trained(gf.loads(NET)), trained(gf.loads(NET, {"train.precision": "bf16"}),
                                                precision="fp32"))  # fmt: skip


def test_masters_and_what_is_reported_are_float32():
    model = gf.loads(CLASSIFIER)
    trainer = model.trainer()
    values = trainer.step(rows()).values
    assert {np.asarray(v).dtype.name for v in values.values()} == {"float32"}
    assert {np.asarray(v).dtype.name for v in model.parameters.values()} == {"float32"}
    (graph,) = trainer.graphs(rows())
    assert any(str(node.tensor.dtype) == "bfloat16" for node in graph if node.op == "matmul")


def test_small_updates_add_up_in_the_masters():
    """A bfloat16 of 1 would not move by 2**-10; 100 such updates of the master are 0.098."""
    text = CLASSIFIER.replace("logits: linear(relu(linear(x, 5)), 2)", "logits: linear(x, 2)")
    model = gf.loads(text, {"train.optimizer": "sgd(lr=1e-4)"})
    before = {name: np.array(v) for name, v in model.parameters.items()}
    trainer = model.trainer()
    trainer.step(rows())
    moved = [np.abs(np.array(v) - before[n]).max() for n, v in model.parameters.items()]
    assert all(0 < m < 2**-10 for m in moved)


@pytest.mark.parametrize("kernels", ["numpy", "numba"])
def test_a_run_goes_on_bit_for_bit(tmp_path, kernels):
    whole = trained(gf.loads(NET), precision="bf16", kernels=kernels)
    gf.train(gf.loads(NET), precision="bf16", kernels=kernels, epochs=2, out=tmp_path)
    assert json.loads((tmp_path / "run.json").read_text())["precision"] == "bf16"
    gf.resume(tmp_path, epochs=4)
    assert same(whole, dict(gf.load_run(tmp_path).parameters))


def test_plans_give_the_same():
    """The fast plan rounds where the plain one does; sums in another order differ by an ulp."""
    found = []
    for plan, kernels in (("plain", "numpy"), ("fast", "numpy"), ("fast", "numba")):
        model = gf.loads(CLASSIFIER)
        trainer = model.trainer(plan=plan, kernels=kernels)
        found.append([float(trainer.step(rows()).values["loss"]) for _ in range(5)])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-3)


def test_evaluation_has_the_casts_of_training():
    model = gf.loads(CLASSIFIER, {"train.optimizer": "sgd(lr=0)"})
    trainer = model.trainer()
    loss = float(trainer.step(rows()).values["loss"])
    assert trainer.evaluate([(rows(), 7)])["loss"] == pytest.approx(loss, rel=1e-6)
    plain = float(model.compile(of="loss")(rows()).values["loss"])
    assert plain != pytest.approx(loss, rel=1e-6)


def test_loops_compute_their_products_in_bfloat16():
    text = """
graphflow: 1
name: rnn
inputs: {x: {shape: [T, B, 3]}, y: {shape: [B], dtype: int}}
nodes:
  states: rnn(x, 6)
  logits: linear(states.hidden[0], 2)
  loss: cross_entropy(logits, y)
train: {minimize: loss, optimizer: sgd(lr=0.1)}
"""
    batch = {"x": np.random.default_rng(0).standard_normal((4, 7, 3)), "y": rows()["y"]}
    losses = []
    for precision in ("fp32", "bf16"):
        trainer = gf.loads(text).trainer(precision=precision)
        losses.append([float(trainer.step(batch).values["loss"]) for _ in range(5)])
    assert losses[0] != losses[1]
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-2)


def test_what_does_not_fit_is_said():
    with pytest.raises(GraphflowError, match="there is no precision 'half'"):
        gf.train(gf.loads(NET), precision="half", epochs=1)
    with pytest.raises(GraphflowError, match="GF033"):
        gf.train(gf.loads(NET), precision="bf16", dtype="float16", epochs=1)
    with pytest.raises(GraphflowError, match="precision"):
        gf.loads(NET, {"train.precision": "fp64"})
    with pytest.raises(GraphflowError, match=r"GF033.*tf32 is one of float32, not of float64"):
        gf.train(gf.loads(NET), precision="tf32", dtype="float64", epochs=1)
    with pytest.raises(GraphflowError, match="GF031"):
        gf.loads(NET).compile(dtype="bfloat16")


def first_losses(name: str, precision: str) -> list[float]:
    """The losses of two steps."""
    path = GRAPHS[name]
    model = gf.load(path)
    trainer = model.trainer(precision=precision)
    feed = open_feed(model.elaborated, path.parent, trainer.seed)
    trainer.start_epoch(0)
    found = []
    for batch, _ in feed.training(0):
        found.append(float(np.mean(trainer.step(batch).values["loss"])))
        if len(found) == 2:
            break
    return found


@needs_data
@pytest.mark.parametrize("name", graphs(("mlp", "gpt_toy")))
def test_canned_graphs_train_alike(name):
    """The first loss differs by what roundings to 8 bits bring about, and there is a second one."""
    if gf.load(GRAPHS[name]).elaborated.training is None:
        pytest.skip("nothing is trained")
    plain, narrow = first_losses(name, "fp32"), first_losses(name, "bf16")
    np.testing.assert_allclose(narrow[:1], plain[:1], rtol=0.02, atol=0.02)
    assert np.isfinite(narrow).all()
