"""How far back gradients reach, against powers worked out by hand."""

import pytest

from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

HALVING = """
graphflow: 1
name: halving
inputs: {x: {shape: [4], default: [1, 2, 3, 4]}}
nodes:
  net:
    scan: {x_t: x}
    carry: {h: 0.0, sum: 0.0}
    nodes: {h_t: 0.5 * h + x_t, sum_t: sum + x_t}
    next: {h: h_t, sum: sum_t}
  f: 3 * net.final.h - net.final.sum
outputs: [f]
"""


def test_the_gradient_of_what_is_carried_is_told_for_each_time_step():
    (found,) = Study(Workspace(text=HALVING, unrolled=("net",))).over_time()
    assert found.loop == "net"
    norms = {place.rpartition(".")[2]: dict(each) for place, each in found.norms.items()}
    assert norms["h"] == pytest.approx({t: 3 * 0.5 ** (4 - t) for t in range(4)})
    assert norms["sum"] == pytest.approx(dict.fromkeys(range(4), 1.0))


def test_of_a_loop_that_is_not_walked_nothing_is_told():
    assert Study(Workspace(text=HALVING)).over_time() == ()
