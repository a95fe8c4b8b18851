"""Differences of all pairs in what is minimised: refused where nothing says that they are meant."""

from __future__ import annotations

import pytest

import graphflow as gf

HEAD = """
graphflow: 1
name: pairs
inputs: {x: {shape: [B, 3]}, y: {shape: [B]}, s: {shape: [B, T, 1]}, t: {shape: [B, T]}}
params: {w: {shape: [4, 1], init: ones}}
blocks:
  error: {inputs: [a, b], nodes: {e: mean((a - b) ** 2)}, outputs: [e]}
"""
TAIL = "\noutputs: [loss]\ntrain: {minimize: loss, optimizer: sgd(0.1)}\n"


def loaded(loss: str, *lines: str) -> gf.Model:
    net = "net: transpose(linear(s, 1), [0, 2, 1])"
    nodes = ["out: linear(x, 1)", net, *lines, f"loss: {loss}"]
    return gf.loads(HEAD + "nodes:\n" + "".join(f"  {line}\n" for line in nodes) + TAIL)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("mean((out - y) ** 2)", "'out' [B, 1] minus 'y' [B] gives [B, B]"),
        ("mean(abs(y - out))", "'y' [B] minus 'out' [B, 1] gives [B, B]"),
        ("mean(abs(t - net))", "'t' [B, T] minus 'net' [B, 1, T] gives [B, B, T]"),
        ("error(out, y)", "'out' [B, 1] minus 'y' [B] gives [B, B]"),
    ],
)
def test_a_forgotten_axis_is_an_error_at_its_place(loss: str, said: str):
    with pytest.raises(gf.GraphflowError) as caught:
        loaded(loss)
    (found,) = caught.value.diagnostics
    assert found.code == "GF030" and said in found.message
    assert found.mark is not None and " - " in found.mark.text
    assert found.help is not None and "squeeze" in found.help and "[:, None]" in found.help


@pytest.mark.parametrize(
    "loss",
    [
        "mean((out - y[:, None]) ** 2)",
        "mean((squeeze(out, 1) - y) ** 2)",
        "mean(out) * mean(abs(y[:, None] - y))",
        "mean(out) * mean(abs(2 * y[:, None] - y[None, :]))",
        "mean(out) * mean(abs(expand_dims(y, 1) - y))",
        "mean(out) * mean(cdist(x, x))",
        "mse_loss(out, y, broadcast=true)",
        "mean((out - mean(y)) ** 2) + mean((x - mean(x, axis=0)) ** 2)",
        "mean((w - stop_gradient(w[:, 0])) ** 2)",
    ],
)
def test_pairs_that_are_written_down_pass(loss: str):
    again = gf.loads(loaded(loss).expanded())
    assert again.elaborated.training is not None


def test_a_line_may_state_the_shape_of_all_pairs():
    model = loaded("mean(d ** 2)", "d: {is: out - y, shape: [B, B]}")
    again = gf.loads(model.expanded())
    assert again.elaborated.graph == model.elaborated.graph


def test_what_is_not_minimised_may_be_anything():
    assert loaded("mean(out)", "d: out - y").graph.nodes["d"].tensor.ndim == 2
