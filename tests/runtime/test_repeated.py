"""A run like the one before it skips looking at its feed; one that differs does not."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError

MODEL = """
graphflow: 1
name: Scaled
inputs: {x: {shape: [B, 3]}, k: {shape: [B], dtype: int}}
params: {w: {shape: [3], init: ones}}
nodes:
  y: sum(x * w, axis=1) * k
  loss: mean(y)
outputs: [y]
train:
  minimize: loss
  optimizer: sgd(lr=0.1)
  epochs: 1
  seed: 0
"""
X = np.arange(6, dtype=np.float32).reshape(2, 3)
K = np.array([1, 2])


def test_what_is_fed_is_looked_at_again_when_it_changes() -> None:
    program = gf.loads(MODEL).compile()
    for x, k in (
        (X, K), (X + 1, K), (X.astype(np.float64), K), (X, K.astype(np.int32)), (X, K),
        (X[:1], K[:1]), (X.tolist(), [3, 4]), (X, K.astype(float)), (X[:, ::-1], K), (X, K),
    ):  # fmt: skip
        wanted = np.sum(x, axis=1) * np.asarray(k)
        np.testing.assert_array_equal(program({"x": x, "k": k})["y"], wanted)
        np.testing.assert_array_equal(program({"x": x, "k": k})["y"], wanted)


@pytest.mark.parametrize(
    "feed",
    [{"x": X}, {"x": X, "k": K, "z": K}, {"x": X, "z": K}, {"x": X, "k": K + 0.5},
     {"x": X, "k": K[:1]}, {"x": X[0], "k": K}],
)  # fmt: skip
def test_what_is_wrong_is_told_after_a_good_run_too(feed: dict[str, np.ndarray]) -> None:
    model = gf.loads(MODEL)
    program, trainer = model.compile(), model.trainer()
    program({"x": X, "k": K})
    trainer.step({"x": X, "k": K})
    with pytest.raises(GraphflowError):
        program(feed)
    with pytest.raises(GraphflowError):
        trainer.step(feed)


def test_steps_in_turns_with_other_sizes_are_those_made_alone() -> None:
    feeds = [{"x": X, "k": K}, {"x": X, "k": K}, {"x": X[:1], "k": K[:1]}, {"x": X, "k": K}]
    trainer, one_by_one = gf.loads(MODEL).trainer(), gf.loads(MODEL)
    for feed in feeds:
        got = trainer.step(feed)["loss"]
        alone = one_by_one.trainer()
        np.testing.assert_array_equal(alone.step(feed)["loss"], got)


def test_a_value_that_is_assigned_is_seen_by_the_next_run() -> None:
    model = gf.loads(MODEL)
    program = model.compile()
    first = program({"x": X, "k": K})["y"]
    model.parameters["w"] = np.full(3, 2.0)
    np.testing.assert_array_equal(program({"x": X, "k": K})["y"], 2 * first)
