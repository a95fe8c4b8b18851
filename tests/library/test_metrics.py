"""Metrics against scikit-learn, the books' numbers and counts by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sk

import graphflow as gf
from tests.library.calling import evaluated

SCORES = np.array([[0.1, 2.0, 0.3], [3.0, 1.0, 2.0], [0.0, 1.0, 5.0], [2.0, 1.5, 1.0]])
CLASSES = np.array([1, 2, 2, 1])
RNG = np.random.default_rng(5)
MANY = {"s": RNG.standard_normal((60, 5)), "t": RNG.integers(0, 4, 60)}  # class 4 never occurs
GUESSES = MANY["s"].argmax(1)
SIDES = {"s": RNG.standard_normal(50).round(1), "t": RNG.integers(0, 2, 50)}
CALLED = SIDES["s"] > 0.2
AVERAGES = ["macro", "micro", "weighted"]
SHARES = {
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1_score": sk.f1_score,
    "jaccard_score": sk.jaccard_score,
}


# -- classes -------------------------------------------------------------------------------------
def test_accuracy_of_classes():
    assert evaluated("accuracy(s, c)", s=SCORES, c=CLASSES) == 0.5
    assert evaluated("accuracy(s, c, axis=0)", s=SCORES.T.copy(), c=CLASSES) == 0.5
    assert evaluated("accuracy(s, c, ignore_index=1)", s=SCORES, c=CLASSES) == 0.5
    assert evaluated("accuracy(s, c, ignore_index=-1)", s=SCORES, c=np.array([1, -1, 2, -1])) == 1
    assert evaluated("top_k_accuracy(s, c, 2)", s=SCORES, c=CLASSES) == 1.0
    assert evaluated("top_k_accuracy(s, c, 1)", s=SCORES, c=CLASSES) == 0.5
    assert evaluated("top_k_accuracy(s, c, 1, axis=0)", s=SCORES.T.copy(), c=CLASSES) == 0.5


def test_top_k_accuracy_is_scikit_learns():
    for k in (1, 2, 3):
        ours = evaluated(f"top_k_accuracy(s, t, {k})", **MANY)
        assert ours == pytest.approx(
            sk.top_k_accuracy_score(MANY["t"], MANY["s"], k=k, labels=range(5))
        )


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
@pytest.mark.parametrize("weighted", [False, True])
def test_confusion_matrix_is_scikit_learns(normalize, weighted):
    weight = np.linspace(0.5, 2, 60)
    call = f"confusion_matrix(s, t, weight={'w' if weighted else 'none'}"
    call += f", normalize={normalize!r})" if normalize else ")"
    expected = sk.confusion_matrix(
        MANY["t"], GUESSES, labels=range(5), normalize=normalize,
        sample_weight=weight if weighted else None,
    )  # fmt: skip
    np.testing.assert_allclose(evaluated(call, w=weight, **MANY), expected, rtol=1e-12)


def test_confusion_matrix_by_hand():
    counts = evaluated("confusion_matrix(s, c)", s=SCORES, c=CLASSES)
    np.testing.assert_array_equal(counts, [[0, 0, 0], [1, 1, 0], [1, 0, 1]])
    counts = evaluated("confusion_matrix(s, c, axis=0, ignore_index=1)", s=SCORES.T.copy(),
                       c=CLASSES)  # fmt: skip
    np.testing.assert_array_equal(counts, [[0, 0, 0], [0, 0, 0], [1, 0, 1]])


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", SHARES)
def test_shares_of_classes_are_scikit_learns(name, average):
    ours = evaluated(f"{name}(s, t, average='{average}')", **MANY)
    theirs = SHARES[name](MANY["t"], GUESSES, average=average, zero_division=0)
    assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("name", SHARES)
def test_shares_of_each_class_are_scikit_learns(name):
    ours = evaluated(f"{name}(s, t, average='none')", **MANY)
    theirs = SHARES[name](MANY["t"], GUESSES, average=None, labels=range(5), zero_division=0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("name", SHARES)
def test_shares_of_one_class_are_scikit_learns(name):
    ours = evaluated(f"{name}(s, t, threshold=0.2)", **SIDES)
    assert ours == pytest.approx(SHARES[name](SIDES["t"], CALLED), rel=1e-12)
    assert evaluated(f"{name}(s, 1.0 * t, 0.2)", **SIDES) == pytest.approx(ours)


def test_macro_averages_leave_out_classes_that_do_not_occur():
    feed = {"s": np.eye(4)[[0, 1, 1]], "t": np.array([0, 1, 0])}
    assert evaluated("recall(s, t, average='macro')", **feed) == pytest.approx(0.75)


def test_metrics_of_two_classes():
    feed = {"s": np.array([2.0, 1.0, -1.0, 3.0, -2.0]), "c": np.array([1.0, 0.0, 1.0, 1.0, 0.0])}
    assert evaluated("binary_accuracy(s, c)", **feed) == pytest.approx(3 / 5)
    assert evaluated("precision(s, c)", **feed) == pytest.approx(2 / 3)
    assert evaluated("recall(s, c)", **feed) == pytest.approx(2 / 3)
    assert evaluated("recall(s, c, threshold=-3)", **feed) == 1
    assert evaluated("precision(s, c, threshold=9)", **feed) == 0
    assert evaluated("f1_score(s, c, threshold=1.5)", **feed) == pytest.approx(4 / 5)


def test_matthews_corrcoef_is_scikit_learns():
    ours = evaluated("matthews_corrcoef(s, t, average='macro')", **MANY)
    assert ours == pytest.approx(sk.matthews_corrcoef(MANY["t"], GUESSES), rel=1e-12)
    ours = evaluated("matthews_corrcoef(s, t, 0.2)", **SIDES)
    assert ours == pytest.approx(sk.matthews_corrcoef(SIDES["t"], CALLED), rel=1e-12)
    assert evaluated("matthews_corrcoef(s, t, 99)", **SIDES) == 0


def test_mean_iou_of_a_map():
    """Two classes of three: 1 of 3 pixels in common, 3 of 5."""
    guess = np.array([[0, 0], [1, 1], [1, 1]])
    truth = np.array([[0, 1], [0, 1], [1, 1]])
    scores = np.eye(3)[guess].transpose(2, 0, 1)[None].copy()
    feed = {"s": scores, "t": truth[None]}
    assert evaluated("mean_iou(s, t, axis=1)", **feed) == pytest.approx((1 / 3 + 3 / 5) / 2)
    assert evaluated("accuracy(s, t, axis=1)", **feed) == pytest.approx(4 / 6)
    ignored = evaluated("mean_iou(s, t, axis=1, ignore_index=0)", **feed)
    assert ignored == pytest.approx((0 + 3 / 4) / 2)  # one 1 is called 0


def test_areas_under_curves_are_scikit_learns():
    assert evaluated("roc_auc_score(s, t)", **SIDES) == pytest.approx(
        sk.roc_auc_score(SIDES["t"], SIDES["s"]), rel=1e-12
    )
    assert evaluated("average_precision_score(s, t)", **SIDES) == pytest.approx(
        sk.average_precision_score(SIDES["t"], SIDES["s"]), rel=1e-12
    )


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning")
def test_shares_of_no_samples_are_0_and_means_no_number():
    feed = {"s": np.zeros((0, 3)), "t": np.zeros(0, int)}
    assert not evaluated("confusion_matrix(s, t)", **feed).any()
    assert evaluated("f1_score(s, t, average='macro')", **feed) == 0
    for call in ("accuracy(s, t)", "roc_auc_score(s[:, 0], t)", "perplexity(s, t)"):
        assert np.isnan(evaluated(call, **feed))


def test_an_area_needs_both_kinds():
    feed = {"s": np.array([1.0, 2.0]), "t": np.array([1, 1])}
    with np.errstate(invalid="ignore"):
        assert np.isnan(evaluated("roc_auc_score(s, t)", **feed))
    assert evaluated("average_precision_score(s, t)", **feed) == 1


def test_perplexity_of_guessing_is_the_number_of_words():
    zeros = np.zeros((2, 3, 7))
    words = np.array([[0, 1, -100], [2, -100, 6]])
    assert evaluated("perplexity(z, t)", z=zeros, t=np.zeros((2, 3), int)) == pytest.approx(7)
    assert evaluated("perplexity(z, t)", z=zeros, t=words) == pytest.approx(7)


# -- numbers -------------------------------------------------------------------------------------
def test_metrics_of_numbers_are_scikit_learns():
    feed = {"p": RNG.uniform(0.5, 3, 20), "t": RNG.uniform(0.5, 3, 20)}
    for name, theirs in {
        "root_mean_squared_error": sk.root_mean_squared_error,
        "root_mean_squared_log_error": sk.root_mean_squared_log_error,
        "r2_score": sk.r2_score,
        "explained_variance_score": sk.explained_variance_score,
    }.items():
        assert evaluated(f"{name}(p, t)", **feed) == pytest.approx(theirs(feed["t"], feed["p"]))


def test_a_price_off_by_a_factor_is_off_by_its_logarithm():
    feed = {"p": np.array([100.0, 400.0]), "t": np.array([200.0, 200.0])}
    ours = evaluated("root_mean_squared_log_error(p, t, shift=0)", **feed)
    assert ours == pytest.approx(math.log(2))


def test_r2_score():
    feed = {"p": np.array([2.5, 0.0, 2.0, 8.0]), "t": np.array([3.0, -0.5, 2.0, 7.0])}
    assert evaluated("r2_score(p, t)", **feed) == pytest.approx(0.9486081370449679)


# -- text ----------------------------------------------------------------------------------------
def words(*sentences: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Words as numbers, padded with a number of their own, and the lengths."""
    lists = [[sum(map(ord, word)) for word in s.split()] for s in sentences]
    rows = [row + [7] * (width - len(row)) for row in lists]
    return np.array(rows), np.array([len(row) for row in lists])


def bleu(pred: str, label: str, k: int) -> float:
    p, n = words(pred, width=8)
    q, m = words(label, width=9)
    call = f"bleu(p, q, {k}, pred_lengths=n, label_lengths=m)"
    (value,) = evaluated(call, p=p, q=q, n=n, m=m)
    return float(value)


@pytest.mark.parametrize(
    ("pred", "label", "k", "expected"),
    [
        ("va !", "va !", 2, 1),
        ("je perdu .", "j'ai perdu .", 2, (2 / 3) ** 0.5 * (1 / 2) ** 0.25),  # printed 0.687
        ("il est mouillé .", "il est calme .", 2, (3 / 4) ** 0.5 * (1 / 3) ** 0.25),  # 0.658
        ("il court .", "il est calme .", 2, 0),
        ("A B B C D", "A B C D E F", 1, math.exp(-0.2) * 0.8**0.5),
        ("A B B C D", "A B C D E F", 2, 0.6815),
        ("A B B C D", "A B C D E F", 3, 0.5940),
        ("A B B C D", "A B C D E F", 4, 0),
        ("A B", "A B C D E F", 2, math.exp(1 - 6 / 2)),
        ("A B", "A B C D E F", 4, math.exp(1 - 6 / 2)),  # longer n-grams than there are
        ("A A A A", "A B", 1, (1 / 4) ** 0.5),  # no more often than the label has it
        ("", "A B", 2, 0),
    ],
)
def test_bleu_is_that_of_the_book(pred, label, k, expected):
    """Dive into Deep Learning 10.7 and 11.4: translations with the scores printed there."""
    assert bleu(pred, label, k) == pytest.approx(expected, rel=1e-4)


def test_bleu_of_a_batch_and_of_one_sentence():
    p, n = words("va !", "je perdu .", width=4)
    q, m = words("va !", "j'ai perdu .", width=4)
    feed = {"p": p, "q": q, "n": n, "m": m}
    ours = evaluated("bleu(p, q, 2, pred_lengths=n, label_lengths=m)", **feed)
    np.testing.assert_allclose(ours, [1, 0.687], atol=5e-4)
    assert evaluated("bleu(p, q, 2)", p=p[1, :3], q=q[1, :3]) == pytest.approx(0.687, abs=5e-4)


# -- refusals ------------------------------------------------------------------------------------
REFUSED = {
    "accuracy(s, t[1:])": "the guesses are int64[60] but the target is int64[59]",
    "top_k_accuracy(s, t, 0)": "k is a positive whole number, not 0",
    "top_k_accuracy(s, s)": "the target holds class numbers",
    "confusion_matrix(s, s)": "the target holds class numbers",
    "confusion_matrix(s, t, weight=s)": "weight has a number for each sample",
    "confusion_matrix(s, t, normalize='rows')": "normalize is 'true', 'pred', 'all' or none",
    "precision(s, t)": "average='macro' takes scores of several classes",
    "precision(s, t, average='mean')": "average is 'binary', 'macro', 'micro'",
    "f1_score(t, t, ignore_index=2)": "ignore_index needs scores of several classes",
    "roc_auc_score(s, t)": "scores and targets (N) are wanted",
    "root_mean_squared_error(s, t)": "input is float[60, 5] but target is int64[60]",
    "bleu(s, t)": "tokens are integers",
    "bleu(t, t, 0)": "the longest n-gram, is a positive whole number, not 0",
}


@pytest.mark.parametrize("call", REFUSED)
def test_a_wrong_call_is_refused(call):
    with pytest.raises(gf.GraphflowError) as caught:
        evaluated(call, **MANY)
    (found,) = caught.value.diagnostics
    assert REFUSED[call] in found.message and found.mark.file == "<text>"


@pytest.mark.parametrize("wrong", [-1, 5])
def test_a_target_that_is_no_class_is_refused(wrong):
    feed = {"s": MANY["s"], "t": np.where(MANY["t"] == 2, wrong, MANY["t"])}
    for call in ("confusion_matrix(s, t)", "recall(s, t, average='micro')", "top_k_accuracy(s, t)"):
        with pytest.raises(gf.GraphflowError, match="out of range"):
            evaluated(call, **feed)
