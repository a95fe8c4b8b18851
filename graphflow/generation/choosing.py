"""Scores of tokens, and a choice among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from graphflow.diagnostics import fail
from graphflow.ops.op import Array
from graphflow.ops.random import generator
from graphflow.runtime.program import random_key
from graphflow.spec.strategies import Greedy, Sample

Scores = npt.NDArray[np.float64]
Choose = Callable[[Scores, int], int]
"""From log-probabilities of the vocabulary and the number of the choice to a token."""
STREAM = "generate"


def log_probabilities(logits: Array) -> Scores:
    """Logarithms of softmax along the last axis, in float64; a logit of -inf stays. GF062 for NaN,
    +inf, and where all are -inf.

    >>> log_probabilities(np.array([0.0, 0.0])).round(4).tolist()
    [-0.6931, -0.6931]
    """
    scores = np.asarray(logits, dtype=np.float64)
    top = scores.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():  # the largest is NaN where one is
        fail("GF062", "the logits hold values that are not finite: no token can be chosen",
             help="the model may have diverged in training: graphflow run --guard")  # fmt: skip
    shifted = scores - top
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def kept(scores: Scores, strategy: Sample) -> Scores:
    """The log-probabilities that are drawn from, -inf for tokens that are out: first divided by the
    temperature, then the ``top_k`` largest, then the nucleus of ``top_p``.

    >>> p = np.log([0.5, 0.3, 0.2])
    >>> np.exp(kept(p, Sample(top_k=2))).round(3).tolist()
    [0.625, 0.375, 0.0]
    """
    scores = log_probabilities(scores / strategy.temperature)
    if strategy.top_k is not None and strategy.top_k < scores.size:
        least = np.partition(scores, -strategy.top_k)[-strategy.top_k]
        scores = log_probabilities(np.where(scores < least, -np.inf, scores))
    if strategy.top_p is not None and strategy.top_p < 1:
        order = np.argsort(-scores, kind="stable")
        before = np.cumsum(np.exp(scores[order])) - np.exp(scores[order])
        out = order[before >= strategy.top_p]
        scores = scores.copy()
        scores[out[out != order[0]]] = -np.inf
        scores = log_probabilities(scores)
    return scores


def chooser(strategy: Greedy | Sample, seed: int) -> Choose:
    """How the next token is found. Chance depends on (seed, number of the choice) alone."""
    if isinstance(strategy, Greedy):
        return lambda scores, step: int(scores.argmax())
    random_key(seed, 0)

    def draw(scores: Scores, step: int) -> int:
        total = np.cumsum(np.exp(kept(scores, strategy)))
        drawn = generator(random_key(seed, step), STREAM).random() * total[-1]
        return int(np.searchsorted(total, drawn, side="right"))

    return draw
