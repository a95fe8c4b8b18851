"""Names of parameters: each layer has its own."""

from __future__ import annotations

import graphflow as gf


def test_layers_nested_at_one_place_own_their_parameters():
    text = """
graphflow: 1
name: nested
inputs: {x: {shape: [2, 5]}}
blocks:
  twice:
    args: [width]
    inputs: [x]
    params: {weight: {shape: [5], init: ones}}
    nodes:
      out: linear(tanh(linear(x * weight, width)), width)
    outputs: [out]
nodes:
  b: twice(linear(x, 5), 5)
"""
    names = [n for n in gf.loads(text).parameters if not n.endswith("bias")]
    assert names == ["b.linear.weight", "b.weight", "b.linear2.weight", "b.linear3.weight"]
