"""Blocks where their numbers end: nan, one value, a length too long, a slope for each channel."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.library.calling import differentiated, evaluated

NAN = np.nan
EDGE = """graphflow: 1
name: t
inputs: {x: [B, 2], z: [B, 2, S]}
nodes:
  n: batch_norm(x)
  i: instance_norm(z, track_running_stats=true)
  loss: sum(n) + sum(i)
train:
  minimize: loss
  optimizer: sgd(lr=0)
"""


def refused(call: str, **feed: np.ndarray) -> gf.diagnostics.Diagnostic:
    with pytest.raises(gf.GraphflowError) as caught:
        evaluated(call, **feed)
    return caught.value.diagnostics[0]


def test_prelu_takes_given_slopes_by_channel():
    """As torch.nn.functional.prelu, by hand."""
    x, a = np.arange(-9.0, 9.0).reshape(2, 3, 3), np.array([0.1, 0.5, 2.0])
    expected = np.where(x > 0, x, a[:, None] * x)
    np.testing.assert_allclose(evaluated("prelu(x, weight=a)", x=x, a=a), expected)
    one = evaluated("prelu(x, weight=a)", x=x, a=np.array([0.1]))
    np.testing.assert_allclose(one, np.where(x > 0, x, 0.1 * x))
    assert refused("prelu(x, weight=a)", x=x[:, :2], a=a).code == "GF030"


def test_a_batch_of_one_value_leaves_the_running_variance():
    model = gf.loads(EDGE)
    trainer = model.trainer(dtype="float64")
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    trainer.step({"x": x, "z": x[:, :, None] * [1.0, 3.0]})
    # 0.9 * 1 + 0.1 * unbiased variance, 2 and 8; of z: the mean of 2, 18 and of 8, 72
    expected = {"n.running_var": [1.1, 1.7], "i.running_var": [1.9, 4.9]}
    for name, variance in expected.items():
        np.testing.assert_allclose(model.state[name], variance, rtol=1e-12)
    trainer.step({"x": x[:1], "z": x[:1, :, None]})
    for name, variance in expected.items():
        np.testing.assert_allclose(model.state[name], variance, rtol=1e-12)
    # 0.9 * (0.1 * 2, 0.1 * 4) + 0.1 * (1, 2)
    np.testing.assert_allclose(model.state["n.running_mean"], [0.28, 0.56], rtol=1e-12)


def test_binary_cross_entropy_of_no_probability_is_nan():
    p, t = np.array([NAN, 0.2, -0.1, 1.1, 0.0, 1.0, 0.0]), np.array([0.0, 1, 1, 1, 1, 0, 0])
    found = evaluated("binary_cross_entropy(p, t, reduction='none')", p=p, t=t)
    np.testing.assert_allclose(found, [NAN, -np.log(0.2), NAN, NAN, 100, 100, 0])
    _, slopes = differentiated("binary_cross_entropy(p, t)", ["p"], p=np.array([0.0, 0.5]), t=t[:2])
    np.testing.assert_allclose(slopes["p"], [0.5, -1])  # t = 0, 1: (1 / (1 - p), -1 / p) / 2


@pytest.mark.parametrize("call", ["median(x)", "quantile(x, 0.25)", "quantile(x, 0)"])
def test_an_unknown_entry_makes_a_quantile_unknown(call: str):
    assert np.isnan(evaluated(call, x=np.array([3.0, 1.0, NAN, 7.0, 8.0])))


def test_only_the_row_of_an_unknown_entry_is_unknown():
    x = np.array([[3.0, 1.0, NAN, 8.0, 9.0], [3.0, 1.0, 2.0, 8.0, 9.0]])
    np.testing.assert_array_equal(evaluated("median(x, axis=1)", x=x), np.median(x, axis=1))
    assert refused("median(x)", x=np.zeros(0)).message.startswith("no entries")


@pytest.mark.parametrize("lengths", [[0, 9], [-1, 2]])
@pytest.mark.parametrize("layer", ["rnn", "lstm", "gru"])
def test_a_sequence_is_no_longer_than_its_steps(layer: str, lengths: list[int]):
    feed = {"v": np.ones((3, 2, 4)), "t": np.array(lengths)}
    outputs = "h, s, c" if layer == "lstm" else "h, s"
    model = gf.loads(
        "graphflow: 1\nname: t\ninputs: {v: [3, 2, 4], t: {shape: [2], dtype: int}}\n"
        f"nodes:\n  {outputs}: {layer}(v, 2, lengths=t)\n  out: sum(h)\noutputs: [out]\n"
    )
    with pytest.raises(gf.GraphflowError, match="GF080"):
        model.compile()(feed)
    assert np.isfinite(model.compile()(feed | {"t": np.array([0, 3])})["out"])


@pytest.mark.parametrize(("steps", "labels"), [(4, 1), (-1, 1), (3, 3)])
def test_ctc_refuses_lengths_beyond_its_arrays(steps: int, labels: int):
    feed = {"x": np.zeros((3, 1, 3)), "t": np.array([[1, 2]])}
    feed |= {"n": np.array([steps]), "m": np.array([labels])}
    assert refused("ctc_loss(log_softmax(x), t, n, m)", **feed).code == "GF080"


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_nothing_is_seen_at_an_unknown_place(mode: str, padding: str):
    x, grid = np.arange(1.0, 10).reshape(1, 1, 3, 3), np.zeros((1, 1, 3, 2))
    grid[0, 0, :2] = [[NAN, 0], [0, NAN]]
    call = f"grid_sample(x, g, mode='{mode}', padding_mode='{padding}')"
    np.testing.assert_allclose(evaluated(call, x=x, g=grid)[0, 0, 0], [NAN, NAN, 5])


@pytest.mark.parametrize("call", ["x // y", "x % y", "fmod(x, y)"])
def test_an_integer_is_not_divided_by_zero(call: str):
    assert refused(call, x=np.array([4, 5]), y=np.array([2, 0])).code == "GF083"
    assert evaluated(call, x=np.array([4, 5]), y=np.array([2, 3])).shape == (2,)


def test_a_place_that_is_missing_is_reported_in_words_that_fit():
    table = {"x": np.ones((3, 2))}
    helps = [
        refused("take(x, i, axis=0)", **table, i=np.array([3])).help,
        refused("take(x, i, axis=0, negative=false)", **table, i=np.array([-1])).help,
    ]
    assert all("ignore_index=" not in (text or "") for text in helps)
