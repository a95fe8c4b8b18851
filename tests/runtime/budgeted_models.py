"""Models whose steps are planned within budgets of memory, and batches for them."""

from __future__ import annotations

import numpy as np

import graphflow as gf
from graphflow.gallery import find

Array = np.ndarray

MLP = """
graphflow: 1
name: Deep MLP
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
nodes:
  net: {from: x, through: [{repeat: 10, through: [linear(64), tanh]}, linear(10)]}
  loss: cross_entropy(net, y)
train: {minimize: loss, optimizer: adam(lr=0.01), steps: 2}
"""
TRANSFORMER = """
graphflow: 1
name: Transformer
inputs: {x: {shape: [B, 16, 32]}}
nodes:
  net: {from: x, through: [{repeat: 4, through: ["transformer_encoder_layer(2, 64, dropout=0.1)"]}]}
  loss: mean(net ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 2}
"""
LSTM = """
graphflow: 1
name: LSTM
inputs: {x: {shape: [T, B, 16]}}
nodes:
  net: lstm(x, 16, num_layers=4)
  loss: mean(net.output ** 2)
train: {minimize: loss, optimizer: sgd(lr=0.1), steps: 2}
"""


def model(name: str) -> gf.Model:
    """One of the models, at its first values."""
    own = {"mlp": MLP, "transformer": TRANSFORMER, "lstm": LSTM}
    if name in own:
        return gf.loads(own[name])
    files = {"lenet": "cnn/lenet", "resnet": "cnn/resnet18_book"}
    return gf.load(str(find(f"graphs/{files[name]}.yaml")))


def batch(name: str) -> dict[str, Array]:
    """Inputs for a step."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 10, 16)
    return {
        "mlp": {"x": draw.normal(size=(256, 64)), "y": draw.integers(0, 10, 256)},
        "lenet": {"image": draw.normal(size=(16, 1, 28, 28)), "label": labels},
        "resnet": {"image": draw.normal(size=(16, 1, 32, 32)), "label": labels},
        "transformer": {"x": draw.normal(size=(16, 16, 32))},
        "lstm": {"x": draw.normal(size=(20, 32, 16))},
    }[name]
