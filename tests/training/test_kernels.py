"""Which kernels a run has: chosen by its work before the first step, kept for good."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import graphflow as gf
from graphflow import runs
from graphflow.diagnostics import GraphflowError

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
  optimizer: sgd(lr=0.1, momentum=0.9)
  epochs: 3
"""


def kept(folder: Path) -> str:
    return json.loads((folder / "run.json").read_text())["kernels"]


def test_a_short_run_begins_with_numpys_kernels_and_keeps_that(tmp_path):
    gf.train(gf.loads(NET), out=tmp_path)
    assert kept(tmp_path) == "numpy"


def test_a_long_run_compiles_first_and_resumes_with_the_same_kernels(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "WORTH_COMPILING", 0.0)
    outcome = gf.train(gf.loads(NET), out=tmp_path)
    assert kept(tmp_path) == "numba"
    monkeypatch.setattr(runs, "WORTH_COMPILING", 1e9)
    more = gf.resume(tmp_path, epochs=5)
    assert kept(tmp_path) == "numba"
    assert more.metrics["train/loss"] < outcome.metrics["train/loss"]


def test_more_epochs_are_more_work():
    short, long = (
        runs.seconds_of_work(runs.started(gf.loads(NET), settings(epochs), None, runs.Way()))
        for epochs in (10, 1000)
    )
    assert long == pytest.approx(100 * short)


def settings(epochs: int | None = None, kernels: str | None = None) -> runs.RunSettings:
    return runs.RunSettings(backend="numpy", epochs=epochs, kernels=kernels)


def test_a_run_that_was_begun_with_some_kernels_does_not_go_on_with_others(tmp_path):
    gf.train(gf.loads(NET), out=tmp_path, kernels="numpy")
    with pytest.raises(GraphflowError, match="the run has kernels numpy, not numba"):
        runs.resumed(tmp_path, settings(kernels="numba"), runs.Way())


def test_a_run_of_an_older_version_goes_on_with_numpys(tmp_path, monkeypatch):
    gf.train(gf.loads(NET), out=tmp_path)
    about = json.loads((tmp_path / "run.json").read_text())
    del about["kernels"]
    (tmp_path / "run.json").write_text(json.dumps(about))
    monkeypatch.setattr(runs, "WORTH_COMPILING", 0.0)
    gf.resume(tmp_path, epochs=4)
    assert kept(tmp_path) == "numpy"


def test_both_train_alike_and_numbas_repeat_themselves_bit_for_bit():
    found = {}
    for name, kernels in (("numpy", "numpy"), ("numba", "numba"), ("again", "numba")):
        model = gf.loads(NET)
        gf.train(model, kernels=kernels)
        found[name] = {leaf: model.store.array(leaf).copy() for leaf in model.store.names()}
    for leaf, value in found["numpy"].items():
        np.testing.assert_allclose(found["numba"][leaf], value, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(found["numba"][leaf], found["again"][leaf])


def test_an_unknown_name_is_refused():
    with pytest.raises(GraphflowError, match="there are no kernels 'numbe'") as caught:
        gf.train(gf.loads(NET), kernels="numbe")
    assert "numba" in str(caught.value)


CONV = """
graphflow: 1
name: a convolution
params:
  x: {shape: [2, 16, 12, 12], init: normal}
nodes:
  y: conv2d(x, 16, 3, padding=1)
  loss: mean(y ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 2, seed: 0}
"""


def test_exact_conv_is_kept_with_the_run_and_gives_what_the_definition_gives(tmp_path):
    found = {}
    for name, exact, kernels in (("plain", False, "numpy"), ("fast", False, "numba"),
                                 ("exact", True, "numba")):  # fmt: skip
        model = gf.loads(CONV)
        gf.train(model, kernels=kernels, exact_conv=exact, out=tmp_path / name)
        found[name] = model.store.array("x").copy()
    assert json.loads((tmp_path / "exact/run.json").read_text())["exact_conv"] is True
    off = {name: np.abs(value - found["plain"]).max() for name, value in found.items()}
    assert off["exact"] < 1e-6 and off["fast"] < 1e-4
    assert not np.array_equal(found["fast"], found["exact"])
    assert gf.resume(tmp_path / "exact", steps=3).progress.step == 3
