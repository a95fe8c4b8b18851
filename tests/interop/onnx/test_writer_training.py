"""Exported training steps, run in onnxruntime, against our trainer."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.interop.onnx.writer.prepare import NEXT
from tests.interop.onnx.stepping import compare

STEPS = 3
draw = np.random.default_rng(0)

CNN = """
graphflow: 1
name: a small net of convolutions
inputs: {image: {shape: [B, 1, 8, 8]}, label: {shape: [B], dtype: int}}
nodes:
  logits:
    from: image
    through:
      - conv2d(4, 3, padding=1, stride=2)
      - batch_norm
      - relu
      - max_pool2d(2)
      - conv2d(6, 2, groups=2)
      - flatten
      - dropout(0.4)
      - linear(5)
  loss: cross_entropy(logits, label)
outputs: [logits]
train: {minimize: loss, optimizer: 'sgd(lr=0.1, momentum=0.9, weight_decay=0.01)', clip_norm: 0.5}
"""


def labelled(shape, classes):
    def batch():
        rows = draw.uniform(0, 1, shape).astype(np.float32)
        return rows, draw.integers(0, classes, shape[0])

    return batch


def test_a_perceptron_with_adamw_a_schedule_and_clipping():
    batch = labelled((4, 64), 10)
    pairs = [dict(zip(("x", "y"), batch(), strict=True)) for _ in range(STEPS)]
    values = compare(gf.load("mlp", {"hidden": 8}), pairs)
    assert values["optimizer.step"] == STEPS


def test_convolutions_batch_norm_and_dropout():
    batch = labelled((4, 1, 8, 8), 5)
    pairs = [dict(zip(("image", "label"), batch(), strict=True)) for _ in range(STEPS)]
    values = compare(gf.loads(CNN), pairs)
    assert any("running_mean" in name for name in values)


def test_a_recurrent_net_carries_its_state():
    model = gf.load("lstm", {"width": 4, "hidden": 6, "vocab": 5})
    batches = [dict(zip(("tokens", "targets"), draw.integers(0, 5, (2, 7, 3)), strict=True))
               for _ in range(STEPS)]  # fmt: skip
    start = np.zeros((3, 6), np.float32)
    compare(model, batches, {"h0": start, "c0": start})


def test_two_players_take_turns():
    model = gf.load("gan", {"latent": 3, "pixels": 8})
    rows = draw.uniform(-1, 1, (STEPS, 5, 8)).astype(np.float32)
    compare(model, [{"real": row} for row in rows])


def test_several_players_must_be_told_apart():
    with pytest.raises(gf.GraphflowError) as caught:
        gf.to_onnx(gf.load("gan"), training=True)
    assert "discriminator, generator" in caught.value.diagnostics[0].message
    with pytest.raises(gf.GraphflowError) as caught:
        gf.to_onnx(gf.load("gan"), training=True, player="generatr")
    assert caught.value.diagnostics[0].help == "did you mean 'generator'?"


def test_parameters_and_states_have_defaults():
    proto = gf.to_onnx(gf.load("mlp", {"hidden": 8}), training=True)
    inputs = {i.name for i in proto.graph.input}
    values = {t.name for t in proto.graph.initializer} & inputs
    draws = {"logits.dropout1.kept", "logits.dropout2.kept"}
    assert inputs - values == {"x", "y"} | draws
    assert "optimizer.step" in values and "logits.linear1.weight" in values
    nexts = {o.name.removesuffix(NEXT) for o in proto.graph.output if o.name.endswith(NEXT)}
    assert nexts <= values
