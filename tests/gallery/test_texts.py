"""What the graphs that judge texts claim."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.gallery.training import GRAPHS, trained, values_of


def test_an_average_over_time_is_blind_to_order_but_for_the_edges() -> None:
    """The book's code: all orders of the words between the two edges give the same logits."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(2, 54, (1, 20))
    mixed = tokens.copy()
    mixed[0, 4:16] = rng.permutation(tokens[0, 4:16])
    for mean, equal in ((True, True), (False, False)):
        model = gf.load(GRAPHS["textcnn"], {"mean_over_time": mean})
        one, other = (values_of(model, "logits", tokens=t)[0] for t in (tokens, mixed))
        assert np.allclose(one, other, atol=1e-6) == equal


def test_decomposable_attention_does_not_see_the_order_of_words() -> None:
    rng = np.random.default_rng(0)
    fed = {"premise": rng.integers(2, 44, (1, 9)), "hypothesis": rng.integers(2, 44, (1, 7)),
           "premise_length": [9], "hypothesis_length": [7]}  # fmt: skip
    mixed = {n: rng.permutation(v, axis=1) if np.ndim(v) == 2 else v for n, v in fed.items()}
    one, other = (values_of("decomposable_attention", "logits", **f)[0] for f in (fed, mixed))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_what_fills_up_does_not_count() -> None:
    rng = np.random.default_rng(0)
    words = {"premise": rng.integers(2, 44, (1, 9)), "hypothesis": rng.integers(2, 44, (1, 7))}
    lengths = {"premise_length": [5], "hypothesis_length": [4]}
    other = {"premise": words["premise"].copy(), "hypothesis": words["hypothesis"].copy()}
    other["premise"][:, 5:] = other["hypothesis"][:, 4:] = 1
    for masked in (True, False):
        model = gf.load(GRAPHS["decomposable_attention"], {"masked": masked})
        a, b = (values_of(model, "logits", **fed, **lengths)[0] for fed in (words, other))
        assert np.allclose(a, b, atol=1e-5) == masked


@pytest.mark.slow
def test_a_bidirectional_lstm_reads_reviews() -> None:
    model = gf.load(GRAPHS["sentiment_birnn"])
    assert gf.train(model).metrics["test/accuracy"] > 0.97
    words = model.tokenizers["tokens"]
    for text, mood in (("this movie is so great", 1), ("this movie is so bad", 0)):
        (logits,) = values_of(model, "logits", tokens=[words.encode(text)])
        assert logits.argmax() == mood


@pytest.mark.slow
def test_the_largest_over_time_learns_what_the_mean_cannot() -> None:
    assert trained("textcnn")["test/accuracy"] > 0.95
    assert trained("textcnn", mean_over_time=True)["test/accuracy"] < 0.75


@pytest.mark.slow
def test_inferences_are_learned() -> None:
    assert trained("decomposable_attention")["test/accuracy"] > 0.93
