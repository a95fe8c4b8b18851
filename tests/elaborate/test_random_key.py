"""The random key makes way for what a file calls ``rng``."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

HEAD = """
graphflow: 1
name: t
inputs:
  z: {shape: [4], default: normal}
  x: {shape: [4]}
"""
TAIL = """
  y: noise * rng
outputs: [y, noise]
"""
FILES = {
    "input": "  rng: scalar\nnodes:\n  noise: dropout(x, 0.5) + z",
    "parameter": "params:\n  rng: {shape: scalar, init: full(2)}\nnodes:\n  noise: dropout(x) + z",
    "state": "state:\n  rng: {shape: scalar, init: full(2)}\nnodes:\n  noise: dropout(x) + z",
    "node": "nodes:\n  noise: dropout(x, 0.5) + z\n  rng: sum(noise) * 0 + 2",
}


@pytest.mark.parametrize("kind", FILES)
def test_any_name_may_be_rng(kind):
    model = gf.loads(HEAD + FILES[kind] + TAIL)
    feed = {"x": np.ones(4)} | ({"rng": 2.0} if kind == "input" else {})
    drawn = []
    for step in range(3):
        values = model.compile(mode="train")(feed, step=step).values
        np.testing.assert_array_equal(values["y"], 2 * values["noise"])
        drawn.append(tuple(values["noise"]))
    assert len(set(drawn)) == 3


def test_an_initialiser_of_the_file_fills_the_shape_from_its_inner_lines():
    model = gf.loads("""
graphflow: 1
name: t
params:
  w: {shape: [3], init: mine}
blocks:
  mine:
    nodes: {a: normal(), out: a * 0 + 2}
    outputs: [out]
nodes:
  y: w + 1
outputs: [y]
""")
    np.testing.assert_array_equal(model.compile()({}).values["y"], [3, 3, 3])
