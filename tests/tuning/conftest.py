from __future__ import annotations

from pathlib import Path

import pytest

from graphflow.tuning.asked import Asked, Limits, Setting
from graphflow.tuning.folder import Event
from graphflow.tuning.results import Kept
from graphflow.tuning.trials import Trial

pytest.importorskip("optuna", reason="the 'tune' extra is not installed")

DIGITS = """\
graphflow: 1
name: digits, tuned
let: {lr: 0.1, hidden: 16}
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
nodes:
  logits: linear(linear(x, hidden, activation=relu), 10)
  loss: cross_entropy(logits, y)
  accuracy: mean(argmax(logits, axis=1) == y)
outputs: [logits]
data: {source: digits, feed: {x: pixels / 16, y: label}, split: {train: 0.5, test: 0.5}, batch: 64}
train: {minimize: loss, optimizer: sgd(lr=lr), epochs: 4, report: [loss, accuracy]}
tune:
  space:
    lr: loguniform(1e-3, 1)
    hidden: choice(8, 16, 32)
  metric: test/accuracy
  mode: max
  trials: 4
  start: [{lr: 0.1}]
"""


SPACE = {"lr": "loguniform(1e-3, 1)", "hidden": "randint(1, 9)", "act": "choice(relu, tanh)"}


def kept(mode="max", name="t"):
    asked = Asked(Setting("d.yaml"), Limits(2, None, 2, 0), "test/accuracy", mode, "basic()",
                  "random", SPACE)  # fmt: skip
    trials = [
        Trial(0, {"lr": 0.1, "hidden": 4, "act": "relu"}, 2, {1: 0.5, 2: 0.7}, "complete"),
        Trial(1, {"lr": 0.01, "hidden": 8, "act": "tanh"}, 2, {1: 0.6}, "stopped"),
        Trial(2, {"lr": 0.5, "hidden": 2, "act": "tanh"}, 2, {}, "failed", "GF062"),
    ]
    events = [
        Event(0.0, "start", 0, 0), Event(0.5, "start", 1, 1),
        Event(1.0, "epoch", 0, 0, 1, 0.5), Event(2.0, "epoch", 1, 1, 1, 0.6),
        Event(2.1, "end", 1, 1, 1, 0.6, "stopped"), Event(2.2, "start", 2, 1),
        Event(3.0, "epoch", 0, 0, 2, 0.7), Event(3.1, "end", 0, 0, 2, 0.7, "complete"),
        Event(3.5, "end", 2, 1, 0, None, "failed"),
    ]  # fmt: skip
    return Kept(name, asked, trials, events)


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A search whose trials take a fraction of a second."""
    path = tmp_path / "digits.yaml"
    path.write_text(DIGITS)
    return path
