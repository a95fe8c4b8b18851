"""Running statistics, tables, masks and chance that a comparison of single calls does not show."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from tests.library.calling import differentiated, evaluated, file

NORM = """graphflow: 1
name: running statistics
inputs: {{x: {{shape: [B, 3, 4]}}}}
params: {{w: {{shape: [3, 1], init: ones}}}}
nodes:
  n: {call}
  loss: sum(sin(n * w))
outputs: [n]
train: {{minimize: loss, optimizer: sgd(0), steps: 1}}
"""


def trained(call: str) -> tuple[gf.Model, list[np.ndarray]]:
    """The model after three batches."""
    model = gf.loads(NORM.format(call=call))
    trainer = model.trainer(dtype="float64")
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((rows, 3, 4)) * 3 + 1 for rows in (5, 2, 7)]
    for x in batches:
        trainer.step({"x": x})
    return model, batches


def test_without_momentum_all_batches_count_alike() -> None:
    model, batches = trained("batch_norm(x, momentum=none)")
    mean = np.mean([x.mean(axis=(0, 2)) for x in batches], axis=0)
    var = np.mean([x.var(axis=(0, 2), ddof=1) for x in batches], axis=0)
    np.testing.assert_allclose(model.state["n.running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(model.state["n.running_var"], var, rtol=1e-12)
    assert model.state["n.num_batches_tracked"] == 3


def test_without_tracking_there_is_no_state() -> None:
    model, batches = trained("batch_norm(x, track_running_stats=false)")
    assert not model.state
    x = batches[0]
    shown = model.compile(dtype="float64")({"x": x}).values["n"]
    center, spread = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
    expected = (x - center[:, None]) / np.sqrt(spread[:, None] + 1e-5)
    np.testing.assert_allclose(shown, expected, rtol=1e-12)


def test_instance_norm_tracks_means_over_samples() -> None:
    model, batches = trained("instance_norm(x, track_running_stats=true, momentum=0.2)")
    mean, var = np.zeros(3), np.ones(3)
    for x in batches:
        mean = 0.8 * mean + 0.2 * x.mean(axis=2).mean(axis=0)
        var = 0.8 * var + 0.2 * x.var(axis=2, ddof=1).mean(axis=0)
    np.testing.assert_allclose(model.state["n.running_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(model.state["n.running_var"], var, rtol=1e-12)
    shown = model.compile(dtype="float64")({"x": x}).values["n"]
    expected = (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5)
    np.testing.assert_allclose(shown, expected, rtol=1e-12)


# -- masks ---------------------------------------------------------------------------------------
RNG = np.random.default_rng(1)
QUERY = {"q": RNG.standard_normal((2, 4, 3)), "k": RNG.standard_normal((2, 5, 3)),
         "v": RNG.standard_normal((2, 5, 2))}  # fmt: skip


def test_a_query_that_may_see_nothing_gets_zeros_and_no_gradient() -> None:
    mask = np.ones((4, 5), bool)
    mask[2] = False
    call = "scaled_dot_product_attention(q, k, v, mask=m)"
    found = evaluated(call, **QUERY, m=mask)
    assert not found[:, 2].any()
    plain = evaluated("scaled_dot_product_attention(q, k, v)", **QUERY)
    np.testing.assert_allclose(found[:, [0, 1, 3]], plain[:, [0, 1, 3]], rtol=1e-12)
    for given in (mask, np.where(mask, 0, -np.inf)):
        _, by = differentiated(f"sum({call} ** 2)", list("qkv"), **QUERY, m=given)
        assert all(np.isfinite(g).all() for g in by.values())
        assert not by["q"][:, 2].any()


def test_a_mask_and_the_past_are_both_kept() -> None:
    mask = RNG.random((2, 4, 5)) < 0.7
    mask[:, :, 0] = True
    both = mask & np.tril(np.ones((4, 5), bool))
    call = "scaled_dot_product_attention(q, k, v, mask=m{more})"
    expected = evaluated(call.format(more=""), **QUERY, m=both)
    found = evaluated(call.format(more=", is_causal=true"), **QUERY, m=mask)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    added = evaluated(call.format(more=", is_causal=true"), **QUERY, m=np.where(mask, 0, -np.inf))
    np.testing.assert_allclose(added, expected, rtol=1e-12)


def test_weights_by_lengths_are_those_of_the_book() -> None:
    """Dive into Deep Learning 11.3: rows add up to 1 and end at the length."""
    lengths = np.array([2, 3])
    mask = np.arange(4) < lengths[:, None, None]
    weights = evaluated("attention_weights(x, m)", x=RNG.random((2, 2, 4)), m=mask)
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    assert not weights[0, :, 2:].any() and not weights[1, :, 3:].any()


# -- tables --------------------------------------------------------------------------------------
def test_the_row_of_padding_starts_at_zero_and_stays() -> None:
    text = file("embedding(t, 6, 3, padding_idx=2)", {"t": np.array([1, 2])})
    text += "train: {minimize: loss, steps: 1, optimizer: sgd(1)}\n"
    text = text.replace("outputs:", "  loss: sum(out)\noutputs:")
    model = gf.loads(text)
    trainer = model.trainer()
    start = np.array(model.parameters["out.weight"])
    assert not start[2].any() and start[1].any()
    trainer.step({"t": np.array([1, 2])})
    moved = np.array(model.parameters["out.weight"]) - start
    np.testing.assert_allclose(moved, -np.eye(6)[1][:, None] * np.ones(3), atol=1e-6)


def test_a_bag_of_nothing_is_zero() -> None:
    table = RNG.standard_normal((4, 3))
    for mode in ("mean", "sum", "max"):
        call = f"embedding_bag(t, weight=w, mode='{mode}', padding_idx=0)"
        found = evaluated(call, t=np.array([[0, 0], [0, 3]]), w=table)
        np.testing.assert_allclose(found, [np.zeros(3), table[3]])


# -- chance --------------------------------------------------------------------------------------
def dropped(call: str, x: np.ndarray) -> np.ndarray:
    return gf.loads(file(call, {"x": x})).compile(dtype="float64", mode="train")({"x": x})["out"]


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = RNG.standard_normal((300, 400))
    out = dropped("alpha_dropout(x, 0.4)", x)
    assert out.mean() == pytest.approx(0, abs=0.02)
    assert out.std() == pytest.approx(1, abs=0.02)
    low, count = np.unique(np.round(out, 9), return_counts=True)
    assert count.max() / x.size == pytest.approx(0.4, abs=0.01)
    a = 1 / np.sqrt(0.6 * (1 + 0.4 * 1.7580993408473766**2))
    floor = a * 0.6 * -1.7580993408473766
    assert low[count.argmax()] == pytest.approx(floor)


@pytest.mark.parametrize(
    ("call", "shape"),
    [("dropout1d(x)", (40, 9, 5)), ("dropout3d(x)", (40, 9, 2, 3, 2)),
     ("feature_alpha_dropout(x)", (40, 9, 4))],
)  # fmt: skip
def test_channels_fall_as_a_whole(call: str, shape: tuple[int, ...]) -> None:
    out = dropped(call, np.ones(shape)).reshape(360, -1)
    assert (out == out[:, :1]).all()
    kept = (out[:, 0] == out[:, 0].max()).mean()
    assert kept == pytest.approx(0.5, abs=0.1)


REFUSED = {
    "scaled_dot_product_attention(x, x, x, mask=t)": "a mask is boolean, true where a query",
    "attention_weights(x, 3)": "a mask is boolean",
    "embedding(t, 6, 2, padding_idx=1, weight_init=zeros)": "weight_init has no say",
    "embedding_bag(x, 6, 2)": "embedding looks up integers",
    "embedding_bag(t, 6)": "embedding_bag needs the size of its table",
    "embedding_bag(t, 6, 2, mode='min')": "mode is 'mean', 'sum' or 'max', not 'min'",
    "embedding_bag(t, 6, 2, per_sample_weights=x)": "scale the rows of a sum",
    "dropout1d(x)": "dropout1d drops channels of (N, C, L)",
    "alpha_dropout(x, 2)": "p is a probability, not 2",
    "batch_norm(x, track_running_stats=3)": "track_running_stats is true or false, not 3",
    "instance_norm(x[None], momentum=none)": "momentum is the share of the batch",
    "matrix_norm(x, 3)": "ord is 'fro', 'nuc', inf",
    "matrix_norm(x, axis=[0, 0])": "a matrix has two axes",
    "matrix_power(x[:, :4], 0.5)": "a whole number, not 0.5",
    "matrix_power(x, 2)": "square matrices, not float[4, 6]",
    "lstsq(x, 3)": "lstsq takes a matrix and a right-hand side",
}


@pytest.mark.parametrize("call", REFUSED)
def test_a_wrong_call_is_refused(call: str) -> None:
    with pytest.raises(GraphflowError) as caught:
        gf.loads(file(call, {"x": np.zeros((4, 6)), "t": np.zeros((4, 6), int)}))
    (found,) = caught.value.diagnostics
    assert REFUSED[call] in found.message
