"""What a run refuses to be fed."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.api import loads
from graphflow.diagnostics import GraphflowError

TEXT = """
graphflow: 1
name: A line
inputs:
  x: {shape: [B, 2]}
params:
  w: {shape: [2], init: zeros}
nodes:
  loss: mean(x @ w)
train:
  minimize: loss
  optimizer: sgd(lr=0.1)
"""


def test_a_step_refuses_a_value_for_a_parameter_that_it_updates() -> None:
    model = loads(TEXT)
    trainer = model.trainer()
    trainer.step({"x": np.ones((3, 2))})
    before = model.parameters["w"].copy()
    with pytest.raises(GraphflowError, match=r"GF065.*'w' is fed"):
        trainer.step({"x": np.ones((3, 2)), "w": np.zeros(2)})
    assert np.array_equal(model.parameters["w"], before)
