"""Recurrent layers: what must hold whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

FILE = """graphflow: 1
name: a net over time
inputs: {{x: {{shape: [T, N, 5]}}, n: {{shape: [N], dtype: int}}}}
layers: {{net: '{layer}'}}
nodes:
  a: net(x, lengths=n)
  b: net(2 * x, lengths=n)
  total: sum(sin(a.output)) + sum(cos(a.hidden)) + 0 * sum(b.output)
  slope: gradient(total, x)
  bend: sum(slope ** 2)
outputs: [a.output, a.hidden]
"""
LAYERS = [
    "rnn(4, num_layers=2, bidirectional=true)",
    "lstm(4, bidirectional=true, proj_size=2)",
    "gru(4, bidirectional=true)",
    "gru(4, num_layers=2, reset_after=false)",
]
RNG = np.random.default_rng(0)
each_layer = pytest.mark.parametrize("layer", LAYERS)


def feed(steps: int, *lengths: int) -> dict[str, np.ndarray]:
    return {"x": RNG.standard_normal((steps, len(lengths), 5)), "n": np.array(lengths, int)}


@each_layer
def test_a_sequence_is_not_changed_by_what_stands_beyond_its_end(layer):
    program = gf.loads(FILE.format(layer=layer)).compile(dtype="float64")
    both = feed(6, 6, 2)
    alone = {"x": both["x"][:2, 1:], "n": np.array([2])}
    long, short = program(both).values, program(alone).values
    np.testing.assert_allclose(long["a.output"][:2, 1:], short["a.output"], rtol=1e-12)
    np.testing.assert_allclose(long["a.hidden"][:, 1:], short["a.hidden"], rtol=1e-12)
    assert not long["a.output"][2:, 1].any()


@each_layer
def test_an_instance_owns_one_set_of_parameters(layer):
    model = gf.loads(FILE.format(layer=layer))
    assert {name.partition(".")[0] for name in model.parameters} == {"net"}
    assert list(gf.loads(model.expanded()).parameters) == list(model.parameters)


@each_layer
def test_gradients_have_gradients(layer):
    model = gf.loads(FILE.format(layer=layer))
    fed, step = feed(2, 2, 1), 1e-5
    way = RNG.standard_normal(fed["x"].shape)
    found = model.compile(of="bend", wrt="x", dtype="float64")(fed).gradients["x"]
    bend = model.compile(of="bend", dtype="float64")
    after, before = (bend({**fed, "x": fed["x"] + s * step * way}).values["bend"] for s in (1, -1))
    assert (found * way).sum() == pytest.approx((after - before) / (2 * step), rel=1e-5)


@each_layer
@pytest.mark.parametrize("sizes", [(0, 2), (3, 0)])
def test_no_steps_and_no_sequences_are_fine(layer, sizes):
    steps, count = sizes
    program = gf.loads(FILE.format(layer=layer)).compile(of="total", wrt="x", keep=["a.output"])
    result = program({"x": np.zeros((steps, count, 5)), "n": np.zeros(count, int)})
    assert result.values["a.output"].shape[:2] == sizes
    assert result.gradients["x"].shape == (steps, count, 5)
