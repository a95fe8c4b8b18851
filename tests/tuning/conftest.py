from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A search whose trials take a fraction of a second."""
    path = tmp_path / "digits.yaml"
    path.write_text(DIGITS)
    return path
