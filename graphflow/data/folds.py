"""K-fold cross-validation: the rows that are trained on, cut into k parts that take turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.data.dataset import Dataset, Indices, generator
from graphflow.diagnostics import fail

VALIDATION = "validation"
"""What the part that is left out of training is called."""


@dataclass(frozen=True)
class Fold:
    """Fold ``number`` (from 1) of ``count``; None stands for all of them, one after the other."""

    count: int
    number: int | None = None


def folded(dataset: Dataset, parts: Mapping[str, Indices], fold: Fold, seed: int,
           trained: str) -> dict[str, Indices]:  # fmt: skip
    """The parts with one k-th of ``trained`` taken out as ``validation``; the others are kept.

    The rows are permuted by ``seed`` alone, so that the k folds of one seed are disjoint and cover
    all rows; their sizes differ by one at most (Dive into Deep Learning 5.7). GF075 where that
    cannot be.

    >>> data = Dataset("tiny", {"x": np.arange(7)}, "a sketch")
    >>> found = [folded(data, {"train": np.arange(7)}, Fold(3, i), 0, "train") for i in (1, 2, 3)]
    >>> [len(parts["validation"]) for parts in found], [len(parts["train"]) for parts in found]
    ([3, 2, 2], [4, 5, 5])
    """
    assert fold.number is not None
    rows = parts[trained]
    if dataset.steps is not None:
        fail("GF075", f"'{dataset.name}' is one sequence: it has no rows to cut into folds",
             help="leave out folds, hold out its end: split: {train: 0.8, test: 0.2}")  # fmt: skip
    if VALIDATION in parts:
        fail("GF075", f"the data have a part '{VALIDATION}' of their own, which folds would be",
             help="give the parts under split: without it")  # fmt: skip
    if fold.count > len(rows):
        fail("GF075", f"{len(rows)} rows of '{trained}' do not make {fold.count} folds")
    pieces = np.array_split(generator(20, seed).permutation(rows), fold.count)
    held = pieces.pop(fold.number - 1)
    return {trained: np.concatenate(pieces), VALIDATION: held} | {
        name: part for name, part in parts.items() if name != trained
    }
