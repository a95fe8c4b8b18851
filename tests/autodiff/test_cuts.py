"""Where gradients end: held against the gradients themselves."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.api import loads
from graphflow.autodiff import cuts

FILE = """
graphflow: 1
name: cuts
inputs: {{x: {{shape: [3]}}}}
params: {{v: {{shape: [3], init: ones}}, w: {{shape: [3], init: ones}}}}
nodes:
  {nodes}
  loss: sum(y)
outputs: [loss]
"""
LOOP = """z:
    scan: {{e: x}}
    carry: {{c: 0.0}}
    nodes: {{n: c + e * sum({w} + v)}}
    next: {{c: n}}
    collect: [n]
  y: z.n"""
BRANCH = """y:
    cond: sum(w) > 0
    then: x * v * {w}
    else: x * v"""


@pytest.mark.parametrize(
    ("nodes", "ends"),
    [
        ("y: v * w", []),
        ("y: v * stop_gradient(w)", ["stop_gradient"]),
        ("y: v * round(w) + where(w > 0, v, x)", ["round", "greater"]),
        ("y: v * take(x, argsort(w))", ["argsort"]),
        ("u, s, t: svd(diag(v * stop_gradient(w)))\n  y: s", ["stop_gradient"]),
        (LOOP.format(w="w"), []),
        (LOOP.format(w="floor(w)"), ["floor"]),
        (BRANCH.format(w="w"), []),
        (BRANCH.format(w="sign(w)"), ["greater", "sign"]),
    ],
)
def test_gradients_end_where_they_are_cut(nodes, ends):
    model = loads(FILE.format(nodes=nodes))
    found = cuts(model.graph, "loss", ["v", "w"])
    assert [cut.leaf for cut in found] == ["w"] * bool(ends)
    assert [op for cut in found for _, op, _ in cut.at] == ends
    result = model.compile("loss", ["v", "w"], dtype="float64")({"x": np.array([1.0, 4.0, 2.0])})
    assert np.any(result.gradients["v"])
    assert np.any(result.gradients["w"]) != bool(ends)


def test_what_a_value_does_not_depend_on_is_not_cut():
    assert cuts(loads(FILE.format(nodes="y: v * x")).graph, "loss", ["v", "w"]) == ()


def test_whole_numbers_cut_what_they_are_made_of():
    model = loads(FILE.format(nodes="y: v * w\n  i: argmax(v)"))
    (cut,) = cuts(model.graph, "i", ["v", "w"])
    assert cut.message("i") == "'v' gets no gradient from 'i': it is cut at 'i' (argmax)"
