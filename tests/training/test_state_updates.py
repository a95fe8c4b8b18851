"""Which states a step of training sets."""

from __future__ import annotations

import numpy as np

import graphflow as gf
from graphflow.training.step_graph import step_graph

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


PLAYERS = """
graphflow: 1
name: a counter beside two players
params: {x: {shape: scalar, init: 1}, y: {shape: scalar, init: 3}}
state: {n: {shape: scalar, init: zeros}}
nodes: {f: x * y, down: f + x ** 2 / 2, up: y ** 2 / 2 - f, further: 2 * y}
updates: {n: n + 1}
outputs: [further]
train:
  players:
    low: {minimize: down, params: [x]}
    high: {minimize: up, params: [y]}
  turns: [high, low]
  optimizer: sgd(lr=0.5)
  steps: 1
  report: [further]
"""


def test_what_no_loss_needs_is_the_last_players() -> None:
    """The last in a round, not in the list; by hand: y <- y - (y - x) / 2, so further is 4."""
    model = gf.loads(PLAYERS)
    steps = [step_graph(model.elaborated, o) for o in model.elaborated.training.objectives]
    assert [s.objective.name for s in steps if "n" in s.graph.updates] == ["low"]
    assert [s.objective.name for s in steps if "further" in s.report] == ["low"]
    assert gf.train(model).metrics["train/further"] == 4
