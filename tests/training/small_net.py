"""A small classifier for comparisons: two layers, seven rows of numbers, weights drawn by name."""

from __future__ import annotations

import numpy as np

import graphflow as gf

Array = np.ndarray
SHAPES = {"body.weight": (5, 3), "body.bias": (5,), "head.weight": (2, 5), "head.bias": (2,)}

NET = """
graphflow: 1
name: net
inputs: {x: {shape: [B, 3]}, y: {shape: [B], dtype: int}}
layers: {body: linear(5), head: linear(2)}
nodes:
  h: tanh(body(x))
  logits: head(h)
  loss: cross_entropy(logits, y)
train:
  minimize: loss
"""


def rows(count: int = 7) -> dict[str, Array]:
    """Inputs and labels."""
    rng = np.random.default_rng(5)
    return {"x": rng.standard_normal((count, 3)), "y": rng.integers(0, 2, count)}


def part(batch: dict[str, Array], start: int, stop: int) -> dict[str, Array]:
    return {name: values[start:stop] for name, values in batch.items()}


def first_weights() -> dict[str, Array]:
    rng = np.random.default_rng(6)
    return {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}


def started(train: str, text: str = NET) -> tuple[gf.Model, gf.Trainer]:
    """The model with known weights, and a trainer in float64; ``train`` goes on with the file."""
    model = gf.loads(text + "".join(f"  {line}\n" for line in train.strip().splitlines()))
    for name, value in first_weights().items():
        model.parameters[name] = value
    return model, model.trainer(dtype="float64")


def weights(model: gf.Model) -> dict[str, Array]:
    return {name: np.array(value) for name, value in model.parameters.items()}


def trained(train: str, batches: list[dict[str, Array]]) -> dict[str, Array]:
    """The weights after one step with each batch."""
    model, trainer = started(train)
    for batch in batches:
        trainer.step(batch)
    return weights(model)


def assert_same(found: dict[str, Array], expected: dict[str, Array], rtol: float = 1e-10) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=rtol, atol=1e-13, err_msg=name)
