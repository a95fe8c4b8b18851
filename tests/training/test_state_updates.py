"""Which states a step of training sets."""

from __future__ import annotations

import numpy as np

import graphflow as gf

TEXT = """
graphflow: 1
name: a state that no loss knows
inputs:
  x: {shape: [B, 2]}
  row: {shape: [B], dtype: int}
state:
  seen: {shape: [3, 2], init: zeros}
params:
  w: {shape: [2], init: ones}
nodes:
  y: x * w
  loss: sum(y ** 2)
updates:
  seen: scatter_add(y, row, 3, axis=0)
outputs: [loss]
train: {minimize: loss, optimizer: sgd(lr=0.0), steps: 1}
"""


def test_a_state_may_depend_on_inputs_that_the_loss_does_not_need() -> None:
    model = gf.loads(TEXT)
    model.trainer().step({"x": np.arange(6.0).reshape(3, 2), "row": np.array([2, 0, 1])})
    assert model.state["seen"].tolist() == [[2, 3], [4, 5], [0, 1]]
