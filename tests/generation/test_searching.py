"""Decoders here are tables: what follows a text is looked up, so that all texts can be listed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphflow.generation.choosing import chooser
from graphflow.generation.searching import beam_search, follow_one
from graphflow.spec.strategies import Beam, Greedy

Text = tuple[int, ...]


class Table:
    """Probabilities of the next token by text; random ones where ``known`` says nothing."""

    def __init__(self, size: int, seed: int = 0, known: dict[Text, list[float]] | None = None):
        self.size, self.seed, self.known = size, seed, known or {}
        self.texts: list[Text] = []

    def probabilities(self, text: Text) -> list[float]:
        if text in self.known:
            return self.known[text]
        drawn = np.random.default_rng([self.seed, len(text), *text]).dirichlet([0.7] * self.size)
        return [float(p) for p in drawn]

    def start(self, prompt: Sequence[int]) -> np.ndarray:
        self.texts = [()]
        return self._logits()

    def follow(self, parents: Sequence[int], tokens: Sequence[int]) -> np.ndarray:
        self.texts = [(*self.texts[p], t) for p, t in zip(parents, tokens, strict=True)]
        return self._logits()

    def _logits(self) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log([self.probabilities(text) for text in self.texts]) + 3.0


def every_text(table: Table, length: int, stop: int) -> dict[Text, float]:
    """All texts of at most ``length`` tokens that ``stop`` or their length ends, by log P."""
    found = {}
    for n in range(1, length + 1):
        for text in product(range(table.size), repeat=n):
            if stop not in text[:-1] and (text[-1] == stop or n == length):
                steps = (table.probabilities(text[:i])[text[i]] for i in range(n))
                found[text] = sum(math.log(p) if p else -math.inf for p in steps)
    return found


sizes = st.tuples(st.integers(2, 4), st.integers(1, 4), st.integers(0, 10**6))


@given(sizes, st.sampled_from([0.0, 0.75, 1.5]))
@settings(max_examples=60, deadline=None)
def test_a_beam_that_covers_all_texts_is_an_exhaustive_search(sizes, penalty: float) -> None:
    size, length, seed = sizes
    table = Table(size, seed)
    texts = every_text(table, length, stop=0)
    scores = {text: p / len(text) ** penalty for text, p in texts.items()}
    found = beam_search(table, [], length, 0, Beam(size**length, penalty))
    best = sorted(scores, key=lambda text: -scores[text])
    assert found[0].tokens == best[0]
    assert [c.score for c in found] == pytest.approx([scores[t] for t in best[: len(found)]])
    assert found[0].log_probability == pytest.approx(texts[found[0].tokens])
    assert found[0].finished == (found[0].tokens[-1] == 0)


@given(sizes)
@settings(max_examples=60, deadline=None)
def test_a_beam_of_one_is_greedy(sizes) -> None:
    size, length, seed = sizes
    greedy = follow_one(Table(size, seed), [], length, 0, chooser(Greedy(), 0))
    (only,) = beam_search(Table(size, seed), [], length, 0, Beam(1))
    assert (only.tokens, only.finished) == (greedy.tokens, greedy.finished)
    assert only.log_probability == pytest.approx(greedy.log_probability)


@given(sizes, st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_a_beam_gives_texts_with_their_probabilities(sizes, width: int) -> None:
    size, length, seed = sizes
    table = Table(size, seed)
    texts = every_text(table, length, stop=0)
    found = beam_search(table, [], length, 0, Beam(width))
    assert len({c.tokens for c in found}) == len(found) <= width
    for candidate in found:
        assert candidate.log_probability == pytest.approx(texts[candidate.tokens])
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


A, B, C, EOS = range(4)
BOOK = {
    (): [0.5, 0.2, 0.2, 0.1],
    (A,): [0.1, 0.4, 0.3, 0.2],
    (A, B): [0.2, 0.2, 0.4, 0.2],
    (A, B, C): [0.0, 0.2, 0.2, 0.6],
    (A, C): [0.1, 0.6, 0.2, 0.1],
    (A, C, B): [0.1, 0.2, 0.1, 0.6],
}
"""Dive into Deep Learning 10.8.1: P(A, B, C, <eos>) = 0.048, P(A, C, B, <eos>) = 0.054."""


def test_greedy_search_misses_what_the_book_finds() -> None:
    table = Table(4, known=BOOK)
    greedy = follow_one(table, [], 10, EOS, chooser(Greedy(), 0))
    assert greedy.tokens == (A, B, C, EOS) and greedy.finished
    assert math.exp(greedy.log_probability) == pytest.approx(0.5 * 0.4 * 0.4 * 0.6)
    known = {**BOOK, (B,): [0, 0, 0, 1.0], (C,): [0, 0, 0, 1.0]}
    found = {c.tokens: c for c in beam_search(Table(4, known=known), [], 4, EOS, Beam(6, 0))}
    assert math.exp(found[A, C, B, EOS].log_probability) == pytest.approx(0.5 * 0.3 * 0.6 * 0.6)
    assert found[A, C, B, EOS].score > found[A, B, C, EOS].score


def test_the_books_beam_of_two() -> None:
    """Figure 10.8.3: with two beams A and C, then AB and CE, then ABD and CED remain."""
    a, b, c, _d, e = range(5)
    known = {
        (): [0.4, 0.1, 0.35, 0.1, 0.05],
        (a,): [0.1, 0.5, 0.2, 0.1, 0.1],
        (c,): [0.1, 0.1, 0.1, 0.1, 0.6],
        (a, b): [0.1, 0.1, 0.1, 0.6, 0.1],
        (c, e): [0.1, 0.1, 0.1, 0.6, 0.1],
    }
    seen = []
    for length in (1, 2, 3):
        found = beam_search(Table(5, known=known), [], length, None, Beam(2))
        seen.append({"".join("ABCDE"[t] for t in candidate.tokens) for candidate in found})
    assert seen == [{"A", "C"}, {"AB", "CE"}, {"ABD", "CED"}]


def test_texts_of_no_length() -> None:
    assert beam_search(Table(3), [], 0, 0, Beam(2))[0].tokens == ()
    assert follow_one(Table(3), [], 0, 0, chooser(Greedy(), 0)).tokens == ()


def test_longer_texts_are_preferred_by_a_larger_penalty() -> None:
    """Log P is -1.20 for one token and -1.47 for three; a third of that is -0.49."""
    known = {(): [0.7, 0.3], (0,): [0.6, 0.4], (0, 0): [0.55, 0.45]}
    short = beam_search(Table(2, known=known), [], 3, 1, Beam(8, 0.0))[0]
    long = beam_search(Table(2, known=known), [], 3, 1, Beam(8, 1.0))[0]
    assert short.tokens == (1,) and short.score == pytest.approx(math.log(0.3))
    assert long.tokens == (0, 0, 0)
    assert long.score == pytest.approx(math.log(0.7 * 0.6 * 0.55) / 3)
