"""What lives when, and why."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.view.details.memory import alive_at
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

TEXT = """graphflow: 1
name: t
inputs: {x: {shape: [4]}}
params: {w: {shape: [4], init: 'full(1)'}}
nodes: {a: x * w, b: tanh(a), f: sum(b)}
check: [{about: a, feed: {x: [1, 2, 3, 4]}, expect: {}}]
"""


@pytest.fixture(scope="module")
def made():
    return Study(Workspace(text=TEXT))


def test_a_value_lives_until_its_last_reader(made):
    step = {s.node: s.index for s in made.steps}
    life = {one.name: one for one in made.memory().lifetimes}
    # float64: 4 numbers of 8 bytes; a is read by tanh alone, whose backward reads its result
    assert life["a"].bytes == 32 and (life["a"].start, life["a"].end) == (step["a"], step["b"])
    assert life["b"].end == max(r.step for r in life["b"].reads) > step["f"]
    assert (life["x"].kind, life["w"].kind, life["a"].kind) == ("input", "parameter", "value")
    assert life["w.grad"].kind == "gradient" and life["w.grad"].end == len(made.steps) - 1


def test_the_reason_is_told(made):
    view, step = made.memory(), {s.node: s.index for s in made.steps}
    why = {life.name: text for life, text in alive_at(view, step["f"])}
    assert "a" not in why and why["b"].startswith("for the backward of b")
    assert why["x"].startswith("for the backward of a")
    last = {life.name: text for life, text in alive_at(view, len(made.steps) - 1)}
    assert last["w.grad"] == "the gradient of w" and last["w"] == "a parameter"
    with pytest.raises(gf.GraphflowError, match="GF082"):
        alive_at(view, len(made.steps))


def test_bytes_add_up(made):
    view = made.memory()
    for step, used in enumerate(view.in_use):
        assert used == sum(life.bytes for life, _ in alive_at(view, step))
    assert view.peak == max(view.in_use) == view.in_use[view.peak_step]
    assert view.planned > 0
