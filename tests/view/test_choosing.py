from __future__ import annotations

import numpy as np
import pytest

from graphflow.api import loads
from graphflow.diagnostics import GraphflowError
from graphflow.view.choosing import choose, flat

LOOP = """
graphflow: 1
name: decay
params: {k: {shape: scalar, init: 1.0}}
nodes:
  motion:
    scan: {steps: 3}
    carry: {pos: '1.0'}
    nodes: {pos_next: pos - 0.1 * k * pos}
    next: {pos: pos_next}
    collect: [pos_next]
  loss: mean(motion.pos_next ** 2)
"""


def test_a_gradient_that_flows_out_of_a_loop_is_no_zero():
    assert flat(loads(LOOP).graph, "loss", ["k"]) == ""


def test_a_gradient_that_nothing_hands_on_is_told_by_name():
    text = "{graphflow: 1, name: s, inputs: {x: {shape: [3]}}, nodes: {y: sum(sign(x) > 0)}}"
    graph = loads(text).graph
    assert flat(graph, "y", ["x"]).startswith("the gradient of 'y' is zero everywhere: ")


def test_who_feeds_nothing_is_told_that_a_check_is_for_other_sizes():
    check = "check: [{feed: {x: [1, 2]}, expect: {f: 3}}]"
    text = "{graphflow: 1, name: s, let: {n: 3}, inputs: {x: [n]}, nodes: {f: sum(x)}, "
    text += check + "}"
    with pytest.raises(GraphflowError, match="what x is: the file's checks are written for other"):
        choose(loads(text))
    assert choose(loads(text), given={"x": np.ones(3)}).values["x"].shape == (3,)
