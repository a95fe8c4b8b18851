"""Gradient descent on a table of which a batch reads a few rows leaves the other rows alone."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.ir.types import DType, TensorType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import evaluate
from graphflow.passes import optimise
from graphflow.schedule.plan import make_plan

ROWS, WIDTH = 300, 8
SGD = """graphflow: 1
name: a table
inputs: {{tokens: {{shape: [B], dtype: int}}}}
nodes:
  e: embedding(tokens, 300, 8{padding})
  loss: mean(sin(e))
outputs: [loss]
train: {{minimize: loss, steps: 1, optimizer: '{optimizer}'}}
"""
TOKENS = np.array([3, 7, 7, 299, 0, 3])
OPTIMIZERS = ["sgd(0.5)", "sgd(lr=step_lr(0.5, 2))"]


def fast_step(optimizer: str, padding: str = "") -> tuple[gf.Model, object]:
    model = gf.loads(SGD.format(optimizer=optimizer, padding=padding))
    return model, model.trainer(dtype="float64")


def dense(graph: object) -> list[str]:
    """Nodes as large as the table, besides the table and its next value."""
    kept = {*graph.updates, *graph.updates.values()}
    found = [n for n in graph if n.type.shape == (ROWS, WIDTH) and n.name not in kept]
    return [f"{n.name}: {n.op}" for n in found]


def step_of(b: Builder) -> tuple:
    """w and a dense gradient by it, of which a few rows are not zero."""
    w = b.leaf("parameter", "w", TensorType(DType.FLOAT64, (ROWS, WIDTH)))
    tokens = b.input("tokens", TensorType(DType.INT64, (6,)))
    g = b.input("g", TensorType(DType.FLOAT64, (6, WIDTH)))
    return w, F.scatter_add(g, tokens, size=ROWS, axis=0)


def twice(b: Builder, w: object, g: object) -> object:
    """A table that is read in two places, in one of them by a single number."""
    one = b.input("one", TensorType(DType.INT64, ()))
    row = b.input("row", TensorType(DType.FLOAT64, (WIDTH,)))
    return w - 0.5 * (g + F.scatter_add(row, one, size=ROWS, axis=0))


FORMS = {
    "w - s * (g + h)": twice,
    "w - s * g": lambda b, w, g: w - g * b.constant(0.5, DType.FLOAT64),
    "w - g": lambda b, w, g: w - g,
    "g + w": lambda b, w, g: g + w,
    "w + s * -g": lambda b, w, g: w + b.constant(0.5, DType.FLOAT64) * -g,
    "w - r * (s * g)": lambda b, w, g: w - b.input("r", TensorType(DType.FLOAT64, ())) * (g * 2),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_update_by_rows_needs_no_dense_gradient(form: str) -> None:
    b = Builder()
    w, gradient = step_of(b)
    new = FORMS[form](b, w, gradient)
    plain = b.graph([], {"w": new.name})
    fast = optimise(plain)
    assert dense(plain) and not dense(fast)
    draw = np.random.default_rng(0)
    leaves = {
        "w": draw.standard_normal((ROWS, WIDTH)), "tokens": TOKENS,
        "g": draw.standard_normal((6, WIDTH)), "r": np.array(0.3),
        "one": np.array(7), "row": draw.standard_normal(WIDTH),
    }  # fmt: skip
    before = evaluate(plain, leaves)[new.name]
    after = evaluate(fast, leaves)[fast.updates["w"]]
    np.testing.assert_allclose(after, before, rtol=1e-14, atol=1e-15)


def test_a_gradient_that_is_read_elsewhere_too_is_still_computed() -> None:
    b = Builder()
    w, gradient = step_of(b)
    length = F.sum(gradient * gradient)
    new = w - gradient
    fast = optimise(b.graph([length.name], {"w": new.name}))
    assert [n.op for n in fast if n.op == "scatter_add"] == ["scatter_add"]


def test_an_activation_is_no_table() -> None:
    b = Builder()
    w, gradient = step_of(b)
    result = F.sin(w) - gradient
    fast = optimise(b.graph([result.name]))
    assert not [n for n in fast if n.op == "scatter_nd"]


def test_rows_are_written_straight_into_the_table() -> None:
    b = Builder()
    w, gradient = step_of(b)
    plan = make_plan(optimise(b.graph([], {"w": (w - gradient).name})))
    assert list(plan.ending.direct.values()) == ["w"]
    assert plan.arena_bytes < ROWS * WIDTH * 8


def test_a_table_that_is_what_is_added_is_not_overwritten() -> None:
    b = Builder()
    w = b.leaf("parameter", "w", TensorType(DType.FLOAT64, (ROWS, WIDTH)))
    tokens = b.input("tokens", TensorType(DType.INT64, (ROWS,)))
    gradient = F.scatter_add(w, tokens, size=ROWS, axis=0)
    plan = make_plan(optimise(b.graph([], {"w": (w + gradient).name})))
    assert not plan.ending.direct


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("padding", ["", ", padding_idx=7"])
def test_training_changes_the_rows_that_were_read(optimizer: str, padding: str) -> None:
    model, trainer = fast_step(optimizer, padding)
    start = np.array(model.parameters["e.weight"], np.float64)
    expected = start.copy()
    model.parameters["e.weight"] = start
    for rate in (0.5, 0.5, 0.05 if "step" in optimizer else 0.5):
        change = np.zeros_like(expected)
        np.add.at(change, TOKENS, np.cos(expected[TOKENS]) / (len(TOKENS) * WIDTH))
        if padding:
            change[7] = 0
        expected = expected - rate * change
        trainer.step({"tokens": TOKENS})
    np.testing.assert_allclose(model.parameters["e.weight"], expected, rtol=1e-13, atol=1e-14)
    untouched = np.setdiff1d(np.arange(ROWS), TOKENS)
    np.testing.assert_array_equal(model.parameters["e.weight"][untouched], start[untouched])
    (player,) = trainer.players.values()
    fast = optimise(player.compiler.concrete({"B": len(TOKENS)}))
    assert not dense(fast)
