"""What the graphs of words as vectors claim."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.data.grammar import ACTIONS, ADJECTIVES, NOUNS, VERBS
from tests.gallery.training import GRAPHS, losses, trained, value_of, values_of

ONE, MANY = list(NOUNS), [f"{noun}s" for noun in NOUNS]
DO, DOES = [*VERBS, *ACTIONS], [f"{verb}s" for verb in (*VERBS, *ACTIONS)]


@pytest.fixture(scope="module")
def word2vec() -> gf.Model:
    return _trained("word2vec")


@pytest.fixture(scope="module")
def analogies() -> gf.Model:
    return _trained("word_analogy")


def _trained(name: str) -> gf.Model:
    model = gf.load(GRAPHS[name])
    gf.train(model)
    return model


@pytest.mark.slow
def test_neighbours_are_words_of_the_same_kind(word2vec: gf.Model) -> None:
    words = word2vec.tokenizers["center"]
    nearest = value_of(word2vec, "nearest")
    for kind in (ONE, MANY, DO, DOES):
        for word in kind:
            found = [words.token(n) for n in nearest[words.numbers[word]]]
            assert found[0] == word and len(set(found) & set(kind)) >= 5, found
    for word in ADJECTIVES:
        found = {words.token(n) for n in nearest[words.numbers[word], 1:4]}
        assert found < set(ADJECTIVES)


def test_shapes_of_the_book() -> None:
    """Two centres with four words beside each, (2, 1), (2, 4), give (2, 1, 4): here (2, 4)."""
    rng = np.random.default_rng(0)
    c, scores = values_of("word2vec", "c", "scores", center=rng.integers(0, 43, (2, 1)),
                          words=rng.integers(0, 43, (2, 4)))  # fmt: skip
    assert c.shape == (2, 1, 12) and scores.shape == (2, 4)


@pytest.mark.parametrize("name", ["skipgram_softmax", "cbow"])
def test_the_formula_is_what_backward_computes(name: str) -> None:
    assert max(step["off"] for step in losses(name, 20)) < 1e-4


def test_leaves_sum_to_one_while_their_tree_learns() -> None:
    steps = losses("hierarchical_softmax", 200)
    share = np.arange(1, 9) / 36
    assert all(step["total"] == pytest.approx(1, abs=1e-5) for step in steps)
    assert steps[-1]["loss"] == pytest.approx(-(share * np.log(share)).sum(), abs=1e-3)


@pytest.mark.slow
def test_no_model_of_counts_is_below_the_texts_own_shares() -> None:
    metrics = trained("skipgram_global")
    assert metrics["train/least"] < metrics["train/loss"] < metrics["train/least"] + 0.01
    few = trained("skipgram_global", width=4)
    assert few["train/loss"] > metrics["train/least"] + 0.01


@pytest.mark.slow
def test_gloves_neighbours() -> None:
    model = _trained("glove")
    words, nearest = model.tokenizers["word"], value_of(model, "nearest")
    for kind in (ONE, MANY):
        first = [words.token(nearest[words.numbers[word], 1]) for word in kind]
        assert sum(word in kind for word in first) >= 7, first


def test_a_word_lies_near_one_of_its_kind(analogies: gf.Model) -> None:
    for kind in (ONE, MANY, DO, DOES):
        assert all(answer(analogies, word) in kind for word in kind)


@pytest.mark.slow
def test_analogies_give_the_right_kind(analogies: gf.Model) -> None:
    asked = [(a, b) for a in NOUNS for b in NOUNS if a != b]
    found = [answer(analogies, f"{a} {a}s {b}") for a, b in asked]
    assert len(found) == 56 and set(found) <= set(MANY)


def answer(model: gf.Model, prompt: str) -> str:
    return gf.generate(model, prompt).text.removeprefix(prompt).strip()


@pytest.mark.slow
def test_words_that_training_never_saw_lie_near_their_kin() -> None:
    pytest.importorskip("pydoc_data.topics")
    model = gf.load(GRAPHS["fasttext"])
    metrics = gf.train(model).metrics
    assert metrics["rare/loss"] < np.log(600)
    data = gf.data.load("cooccurrences", text="python_docs", window=4, vocab=600, rare=400,
                        buckets=4000)  # fmt: skip
    words = data.tokenizers["word"].tokens
    kin = {
        i: {j for j in range(600) if words[j][:5] == words[i][:5]}
        for i in range(600, 1000)
        if len(words[i]) >= 5
    }
    asked = [i for i, known in kin.items() if known]
    nearest = value_of(model, "nearest", subwords=data.columns["subwords"][asked])
    found = [bool(kin[i] & set(row.tolist())) for i, row in zip(asked, nearest, strict=True)]
    assert len(asked) > 80 and np.mean(found) > 0.5
