"""Losses at their edges: numbers of the books, CTC by counting alignments, nothing to average."""

from __future__ import annotations

import math
from itertools import groupby, product

import numpy as np
import pytest

import graphflow as gf
from tests.library.calling import differentiated, evaluated

SCORES = np.array([[0.1, 2.0, 0.3], [3.0, 1.0, 2.0], [0.0, 1.0, 5.0], [2.0, 1.5, 1.0]])
REGRESSION = ["mse_loss", "half_mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"]


# -- numbers of the books ------------------------------------------------------------------------
def test_word2vec_with_padding_has_the_losses_of_the_book():
    """Dive into Deep Learning 15.4: 0.9352 and 1.8462."""
    feed = {
        "x": np.array([[1.1, -2.2, 3.3, -4.4]] * 2),
        "t": np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]),
        "m": np.array([[1, 1, 1, 1], [1, 1, 0, 0]]),
    }
    found = evaluated("masked_binary_cross_entropy_with_logits(x, t, m)", **feed)
    np.testing.assert_allclose(found, [0.9352, 1.8462], atol=5e-5)


@pytest.mark.parametrize(("gamma", "expected"), [(0, 0.6931), (1, 0.3466), (5, 0.02166)])
def test_focal_loss_of_a_half_is_that_of_the_book(gamma, expected):
    """Dive into Deep Learning 14.7."""
    feed = {"x": np.zeros((1, 2)), "t": np.array([1])}
    assert evaluated(f"focal_loss(x, t, {gamma})", **feed) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize(("sigma", "expected"), [(10, 0.995), (1, 0.5), (0.5, 0.125)])
def test_smooth_l1_of_1_is_that_of_the_book(sigma, expected):
    """Dive into Deep Learning 14.7, for sigma."""
    feed = {"x": np.ones(1), "t": np.zeros(1)}
    assert evaluated(f"smooth_l1_loss(x, t, sigma={sigma})", **feed) == pytest.approx(expected)


def test_cross_entropy_counts_minus_100_as_nothing():
    full = {"s": SCORES, "t": np.array([1, -100, 2, -100])}
    kept = {"s": SCORES[::2], "t": np.array([1, 2])}
    for reduction in ("mean", "sum"):
        ours = evaluated(f"cross_entropy(s, t, reduction='{reduction}')", **full)
        assert ours == pytest.approx(evaluated(f"cross_entropy(s, t, none, none, '{reduction}')",
                                               **kept))  # fmt: skip
    _, gradients = differentiated("cross_entropy(s, t)", ["s"], **full)
    assert not gradients["s"][1::2].any() and gradients["s"][::2].all()


@pytest.mark.parametrize(
    "call",
    [
        "cross_entropy(s, t, {}, label_smoothing=0.1)",
        "cross_entropy(s, softmax(s), {})",
        "multi_margin_loss(s, t, weight={})",
        "focal_loss(s, t, weight={})",
        "binary_cross_entropy_with_logits(s, sigmoid(s), pos_weight={})",
    ],
)
def test_weights_may_be_written_out(call):
    feed = {"s": SCORES, "t": np.array([1, 0, 2, 1]), "w": np.array([1, 2.5, 4])}
    written = evaluated(call.format("[1, 2.5, 4]"), **feed)
    assert written == pytest.approx(evaluated(call.format("w"), **feed), rel=1e-12)


# -- edges ---------------------------------------------------------------------------------------
def test_binary_cross_entropy_stops_at_100():
    feed = {"p": np.array([0.0, 1.0]), "t": np.array([1.0, 1.0])}
    assert evaluated("binary_cross_entropy(p, t)", **feed) == 50


def test_large_logits_do_not_overflow():
    feed = {"x": np.array([[1e4, -1e4], [-1e4, 1e4]]), "t": np.array([[1.0, 0], [1, 0]])}
    for call in (
        "binary_cross_entropy_with_logits(x, t, reduction='none')",
        "soft_margin_loss(x, 2 * t - 1, 'none')",
        "sigmoid_focal_loss(x, t, none, 1)",
    ):
        np.testing.assert_allclose(evaluated(call, **feed), [[0, 0], [1e4, 1e4]])
    feed = {"x": feed["x"], "t": np.array([0, 0])}
    np.testing.assert_allclose(evaluated("cross_entropy(x, t, reduction='none')", **feed), [0, 2e4])
    value, gradients = differentiated("focal_loss(x, t)", ["x"], **feed)
    assert value == 1e4 and np.isfinite(gradients["x"]).all()


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning")
def test_the_mean_of_nothing_is_no_number_and_the_sum_is_0():
    """As in PyTorch."""
    pair = {"x": np.zeros((0, 3)), "t": np.zeros((0, 3))}
    classes = {"x": np.zeros((0, 3)), "t": np.zeros(0, int)}
    for name in REGRESSION:
        assert np.isnan(evaluated(f"{name}(x, t)", **pair))
        assert evaluated(f"{name}(x, t, reduction='sum')", **pair) == 0
    assert np.isnan(evaluated("cross_entropy(x, t)", **classes))
    assert evaluated("cross_entropy(x, t, reduction='sum')", **classes) == 0
    assert evaluated("cross_entropy(x, t, reduction='none')", **classes).shape == (0,)
    ignored = {"s": SCORES, "t": np.full(4, -100)}
    assert np.isnan(evaluated("cross_entropy(s, t)", **ignored))


# -- connectionist temporal classification -------------------------------------------------------
def spelled(log_p: np.ndarray, target: list[int]) -> float:
    """-log of the probability of all alignments, one by one; label 0 is the blank."""
    steps, labels = log_p.shape
    total = 0.0
    for path in product(range(labels), repeat=steps):
        if [label for label, _ in groupby(path) if label] == target:
            total += math.exp(sum(log_p[t, label] for t, label in enumerate(path)))
    return -math.log(total) if total else math.inf


def speech(targets: list[list[int]], steps: int = 5, lengths: list[int] | None = None) -> dict:
    x = np.random.default_rng(1).standard_normal((steps, len(targets), 4))
    width = max(map(len, targets))
    return {
        "x": x - np.log(np.exp(x).sum(-1, keepdims=True)),
        "t": np.array([row + [-1] * (width - len(row)) for row in targets], int),
        "n": np.array(lengths or [steps] * len(targets)),
        "k": np.array([len(row) for row in targets]),
    }


CTC = "ctc_loss(x, t, n, k, reduction='none')"


def test_ctc_loss_counts_every_alignment():
    targets = [[1, 2], [3, 3], [1, 1, 1], [], [2], [1, 2, 3]]
    feed = speech(targets, lengths=[5, 4, 5, 3, 1, 3])
    expected = [spelled(feed["x"][: feed["n"][i], i], target) for i, target in enumerate(targets)]
    np.testing.assert_allclose(evaluated(CTC, **feed), expected, rtol=1e-12)
    shares = [e / max(len(t), 1) for e, t in zip(expected, targets, strict=True)]
    assert evaluated("ctc_loss(x, t, n, k)", **feed) == pytest.approx(np.mean(shares))


def test_a_target_that_does_not_fit_costs_infinity_and_pulls_at_nothing():
    feed = speech([[1, 1, 1], [2]], steps=4)
    assert evaluated(CTC, **feed)[0] == np.inf
    value, gradients = differentiated("ctc_loss(x, t, n, k, 0, 'sum', true)", ["x"], **feed)
    assert value == pytest.approx(spelled(feed["x"][:, 1], [2]))
    assert not gradients["x"][:, 0].any() and np.isfinite(gradients["x"]).all()


def test_ctc_loss_takes_impossible_labels_and_no_labels():
    feed = speech([[1, 2], [3, 1]])
    feed["x"][1, :, 1] = feed["x"][:, 1, 2] = -np.inf
    expected = [spelled(feed["x"][:, i], row) for i, row in enumerate([[1, 2], [3, 1]])]
    np.testing.assert_allclose(evaluated(CTC, **feed), expected, rtol=1e-12)
    _, gradients = differentiated("ctc_loss(x, t, n, k)", ["x"], **feed)
    assert np.isfinite(gradients["x"]).all()
    silent = speech([[], []])
    np.testing.assert_allclose(evaluated(CTC, **silent), -silent["x"][:, :, 0].sum(0))
    assert evaluated(CTC, **silent | {"n": np.array([0, 1])})[0] == 0


def test_ctc_loss_of_no_time_at_all():
    feed = speech([[], [1]], steps=0)
    assert evaluated(CTC, **feed).tolist() == [0, np.inf]


@pytest.mark.parametrize("kind", ["uint8", "int8", "int32", "uint32"])
def test_labels_may_be_any_integers(kind):
    text = f"""graphflow: 1
name: labels
inputs: {{s: {{shape: [3, 200]}}, t: {{shape: [3], dtype: {kind}}}, l: {{shape: [5, 3, 200]}}}}
nodes:
  plain: cross_entropy(s, t)
  focal: focal_loss(s, t, 0)
  counts: confusion_matrix(s, t)
  share: jaccard_score(s, t, average='macro', ignore_index=-1)
  heard: "ctc_loss(l, t[:, None], 0 * t + 5, 0 * t + 1)"
outputs: [plain, focal, counts, share, heard]
"""
    feed = {"s": np.eye(200)[[3, 120, 120]] * 9, "t": np.array([3, 120, 100], kind)}
    found = gf.loads(text).compile(dtype="float64")(feed | {"l": np.full((5, 3, 200), -1.0)}).values
    high, low = (math.log(math.exp(9) + 199) - s for s in (9, 0))
    assert found["plain"] == found["focal"] == pytest.approx((2 * high + low) / 3)
    assert found["counts"][100, 120] == found["counts"][120, 120] == found["counts"][3, 3] == 1
    assert found["share"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found["heard"] == pytest.approx(5 - math.log(15))  # 15 alignments of one label


# -- refusals ------------------------------------------------------------------------------------
ARRAYS = {
    "x": np.zeros((4, 6)), "y": np.zeros(4), "one": np.zeros((4, 1)), "c": np.zeros(4, int),
    "m": np.zeros((4, 6), int), "w": np.ones(3), "seq": np.zeros((5, 4, 6)),
}  # fmt: skip
ELEMENTWISE = [
    *REGRESSION, "kl_div", "poisson_nll_loss", "binary_cross_entropy", "sigmoid_focal_loss",
    "binary_cross_entropy_with_logits", "hinge_loss", "squared_hinge_loss", "soft_margin_loss",
    "hinge_embedding_loss",
]  # fmt: skip
REFUSED = {
    "smooth_l1_loss(y, y, beta=0)": "beta must be positive",
    "smooth_l1_loss(y, y, sigma=-1)": "sigma must be positive, not -1",
    "huber_loss(y, y, delta=0)": "delta must be positive, not 0",
    "mse_loss(y, y, weight=2)": "a weight for each entry is float[4], but this one is 2",
    "cross_entropy(x, c, 1)": "weight has a number for each class of float[4, 6] (axis -1), but is",
    "multi_margin_loss(x, c, weight=[1, 2])": "weight has a number for each class",
    "mse_loss(y, y, weight=w)": "a weight for each entry is float[4], but this one is float[3]",
    "gaussian_nll_loss(x, x, w)": "the variance is float[3], but input is float[4, 6]",
    "gaussian_nll_loss(one, y, y)": "input is float[4, 1] but target is float[4]",
    "masked_binary_cross_entropy_with_logits(x, x, y)": "input, target and mask have one shape",
    "cross_entropy(x, c, w)": "weight has a number for each class of float[4, 6] (axis -1)",
    "cross_entropy(x, x, w)": "weight has a number for each class of float[4, 6] (axis -1)",
    "cross_entropy(x, c, ignore_index=2.5)": "ignore_index is a class number, or none, not 2.5",
    "focal_loss(x, c, ignore_index='pad')": "ignore_index is a class number, or none, not 'pad'",
    "cross_entropy(x, c, label_smoothing=2)": "label_smoothing is a share, from 0 to 1, not 2",
    "cross_entropy(x, x, label_smoothing=-1)": "label_smoothing is a share, from 0 to 1, not -1",
    "cross_entropy(x, x, ignore_index=2)": "ignore_index needs a target of class numbers",
    "cross_entropy(x, c, reduction='max')": "reduction is 'mean', 'sum' or 'none', not 'max'",
    "soft_nll_loss(x, y)": "input is float[4, 6] but target is float[4]",
    "focal_loss(x, c, gamma=-1)": "gamma is a power of 0 or more, not -1",
    "focal_loss(x, x)": "the target holds class numbers",
    "sigmoid_focal_loss(y, y, 2)": "alpha is a share from 0 to 1, or none, not 2",
    "sigmoid_focal_loss(y, y, gamma=-2)": "gamma is a power of 0 or more, not -2",
    "multi_margin_loss(x, y)": "scores (N, K) and class numbers (N) are wanted",
    "multi_margin_loss(x, c, 3)": "the power p is 1 or 2, not 3",
    "multi_margin_loss(x, c, weight=w)": "weight has a number for each class",
    "multilabel_margin_loss(x, c)": "scores and class numbers (N, K) are wanted",
    "multilabel_soft_margin_loss(one, y)": "input is float[4, 1] but target is float[4]",
    "margin_ranking_loss(y, y, one)": "the inputs are float[4] and float[4] but target",
    "triplet_margin_loss(x, x, y)": "anchor, positive and negative have one shape",
    "triplet_margin_loss(x, x, x, p=0)": "the order p of the norm is positive, not 0",
    "cosine_embedding_loss(x, x, x)": "two vectors and a sign for each pair are wanted",
    "contrastive_loss(x, x, x)": "two vectors and a number for each pair are wanted",
    "dice_loss(y, y)": "probabilities and a mask (N, ...) of one shape are wanted",
    "jaccard_loss(x, y)": "probabilities and a mask (N, ...) of one shape are wanted",
    "gram_matrix(x)": "features are (N, C, H, W), but are float[4, 6]",
    "style_loss(seq[None], x)": "input is float[1, 5, 5] but target is float[4, 6]",
    "histogram_loss(x, x)": "features (N, C, H, W) and (N, C, h, w) are wanted",
    "histogram_loss(seq[None], seq[None], 0)": "bins is a positive whole number, not 0",
    "channel_histogram(y)": "rows (C, n) and a number of bins are wanted",
    "histogram_match(x, y)": "rows (C, n) and counts (C, bins) are wanted",
    "total_variation_loss(y)": "a picture is (..., H, W), but x is float[4]",
    "total_variation_loss(x, 3)": "the power p is 1 or 2, not 3",
    "total_variation_loss(x, 1, 'none')": "reduction is 'mean' or 'sum', not 'none'",
    "glove_loss(x, c)": "a count for each score is wanted",
    "glove_loss(x, m, 0)": "x_max is a positive count, not 0",
    "ctc_loss(x, m, c, c)": "log_probs are (T, N, C), steps first, but are float[4, 6]",
    "ctc_loss(seq, c, c, c)": "targets are padded class numbers (N, S), but are int64[4]",
    "ctc_loss(seq, m, c, 3)": "lengths are integers (N), one for each sample, but are int64[4] and",
    "ctc_loss(seq, m, c, c, reduction='avg')": "reduction is 'mean', 'sum' or 'none', not 'avg'",
}
REFUSED |= {
    f"{name}(one, y)": "input is float[4, 1] but target is float[4]" for name in ELEMENTWISE
}
REFUSED |= {f"{name}(y, y, reduction='avg')": "not 'avg'" for name in ELEMENTWISE}


@pytest.mark.parametrize("call", REFUSED)
def test_a_wrong_call_is_refused(call):
    with pytest.raises(gf.GraphflowError) as caught:
        evaluated(call, **ARRAYS)
    (found,) = caught.value.diagnostics
    assert REFUSED[call] in found.message and found.mark.file == "<text>"


OUTSIDE = [
    "cross_entropy(s, t)", "cross_entropy(s, t, reduction='none')", "focal_loss(s, t)",
    "nll_loss(s, t, label_smoothing=0.1)", "multi_margin_loss(s, t)",
]  # fmt: skip


@pytest.mark.parametrize("wrong", [-1, 3])
@pytest.mark.parametrize("call", OUTSIDE)
def test_a_target_out_of_range_is_refused(call, wrong):
    with pytest.raises(gf.GraphflowError, match=f"position {wrong} is out of range"):
        evaluated(call, s=SCORES, t=np.array([0, 1, wrong, 2]))


def test_labels_and_lengths_of_ctc_out_of_range_are_refused():
    feed = speech([[1, 2], [3, 1]])
    for wrong in ({"t": np.array([[1, 4], [1, 2]])}, {"k": np.array([2, 3])}):
        with pytest.raises(gf.GraphflowError, match="out of range"):
            evaluated(CTC, **feed | wrong)
