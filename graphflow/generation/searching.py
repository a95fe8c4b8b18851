"""From a decoder to texts: one token after the other, or several texts side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from graphflow.generation.choosing import Choose, log_probabilities
from graphflow.ops.op import Array
from graphflow.spec.strategies import Beam


class Decoder(Protocol):
    """What says how texts go on: several at once, in rows."""

    def start(self, prompt: Sequence[int]) -> Array:
        """The logits (rows, V) of what follows the prompt; one row is enough."""

    def follow(self, parents: Sequence[int], tokens: Sequence[int]) -> Array:
        """The logits (n, V) of what follows n texts: row ``parents[i]`` of before, then
        ``tokens[i]``. They are the rows from now on.
        """


@dataclass(frozen=True)
class Candidate:
    """Tokens that were found, their log-probability, and whether the stop token ended them (it is
    the last one then). ``score`` is what a beam compares: log P / L^alpha. ``text`` is the whole
    text, prompt included.
    """

    tokens: tuple[int, ...]
    log_probability: float
    finished: bool
    score: float
    text: str = ""


def follow_one(
    decoder: Decoder,
    prompt: Sequence[int],
    length: int,
    stop: int | None,
    choose: Choose,
    told: Callable[[int], None] | None = None,
) -> Candidate:
    """One text, token by token: at most ``length``, until ``stop``; ``told`` hears of each."""
    tokens: list[int] = []
    total = 0.0
    while len(tokens) < length and (not tokens or tokens[-1] != stop):
        logits = decoder.follow([0], tokens[-1:]) if tokens else decoder.start(prompt)
        scores = log_probabilities(logits[0])
        token = choose(scores, len(tokens))
        tokens.append(token)
        total += float(scores[token])
        if told is not None:
            told(token)
    finished = bool(tokens) and tokens[-1] == stop
    return Candidate(tuple(tokens), total, finished, total)


@dataclass(frozen=True)
class Branch:
    """A text that a beam considered: its tokens, their log-probability, and whether it was among
    the best of its step, which go on or are put aside.
    """

    tokens: tuple[int, ...]
    log_probability: float
    kept: bool


@dataclass(frozen=True)
class _Live:
    """A text under way: its row of the decoder, its tokens, the sum of their log-probabilities."""

    row: int
    tokens: tuple[int, ...]
    total: float


def beam_search(
    decoder: Decoder,
    prompt: Sequence[int],
    length: int,
    stop: int | None,
    beam: Beam,
    considered: int = 0,
    told: Callable[[Branch], None] | None = None,
) -> list[Candidate]:
    """The texts a beam finds, the best first (Dive into Deep Learning 10.8.3).

    At each step every text that is alive goes on by every token, and the ``width`` most probable
    of these stay; those that end with ``stop`` are put aside. The search ends when none is alive,
    after ``length`` tokens, or when none can still become better than what was put aside. ``told``
    hears of the ``considered`` most probable texts of each step, and of all that stay.
    """
    live, found = [_Live(0, (), 0.0)], list[Candidate]()
    for step in range(length):
        if step == 0:
            logits = decoder.start(prompt)[:1]
        else:
            rows, tokens = [b.row for b in live], [b.tokens[-1] for b in live]
            logits = decoder.follow(rows, tokens)
        seen = _grown(live, logits, max(beam.width, considered))
        grown = seen[: beam.width]
        if told is not None:
            for place, b in enumerate(seen):
                told(Branch(b.tokens, b.total, place < beam.width))
        found += [_candidate(b, True, beam) for b in grown if b.tokens[-1] == stop]
        live = [b for b in grown if b.tokens[-1] != stop]
        if not live or _settled(live, found, length, beam):
            break
    found += [_candidate(b, False, beam) for b in live if length]
    return sorted(found, key=lambda c: -c.score)[: beam.width] or [Candidate((), 0.0, False, 0.0)]


def _grown(live: Sequence[_Live], logits: Array, width: int) -> list[_Live]:
    """The ``width`` most probable continuations; of equal ones the first."""
    scores = log_probabilities(logits[: len(live)])
    totals = scores + np.array([[b.total] for b in live])
    best = np.argsort(-totals, axis=None, kind="stable")[:width]
    rows, tokens = np.unravel_index(best, totals.shape)
    return [
        _Live(int(row), (*live[row].tokens, int(token)), float(totals[row, token]))
        for row, token in zip(rows, tokens, strict=True)
        if totals[row, token] > -np.inf
    ]


def _candidate(text: _Live, finished: bool, beam: Beam) -> Candidate:
    score = text.total / len(text.tokens) ** beam.length_penalty
    return Candidate(text.tokens, text.total, finished, score)


def _settled(live: Sequence[_Live], found: Sequence[Candidate], length: int, beam: Beam) -> bool:
    """Whether ``width`` texts are put aside that no text alive can pass: log P only falls, and at
    best it is divided by ``length`` to the power of the penalty.
    """
    if len(found) < beam.width:
        return False
    worst = sorted(c.score for c in found)[-beam.width]
    best: float = max(b.total for b in live) / length**beam.length_penalty
    return best <= worst
