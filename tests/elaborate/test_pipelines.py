"""What flows through a pipeline."""

from __future__ import annotations

import numpy as np

import graphflow as gf

SEVERAL = """
graphflow: 1
name: t
blocks:
  shown:
    inputs: [x]
    nodes: {seen: 3 * x, out: x + 1}
    outputs: [seen, out]
inputs: {x: {shape: [2]}}
nodes: {y: {from: x, through: [{repeat: 2, through: [shown]}]}}
"""


def test_of_several_values_out_flows_on():
    given = gf.loads(SEVERAL).compile(of="y", dtype="float64")({"x": [1.0, 2.0]})
    np.testing.assert_array_equal(given.values["y"], [3.0, 4.0])
