"""Groups of a ``train:`` section: which call updates which parameters."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

FILE = """
graphflow: 1
name: groups
params:
  a: {shape: scalar, init: ones}
  b: {shape: scalar, init: ones}
nodes:
  loss: a + b
outputs: [loss]
train:
  minimize: loss
  optimizer: OPTIMIZER
  groups: [{params: [b], lr: 0.25}]
"""


@pytest.mark.parametrize("optimizer", ["sgd(0.5)", "sgd(lr=0.5)", "sgd(0.5, 0.9)"])
def test_the_rate_of_a_group_replaces_the_one_of_the_call(optimizer):
    trainer = gf.loads(FILE.replace("OPTIMIZER", optimizer)).trainer()
    trainer.step({})
    found = [float(np.asarray(trainer.store.array(name))) for name in "ab"]
    assert found == [0.5, 0.75]  # the gradient of both is 1
