"""Sequences of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]


def padded(rows: Sequence[Sequence[int]], width: int, fill: int) -> tuple[Numbers, Numbers]:
    """The rows (N, width), cut at their end or filled up there; how much of each is its own (N,).

    >>> ids, lengths = padded([[5, 6, 7], [8]], 2, fill=0)
    >>> ids.tolist(), lengths.tolist()
    ([[5, 6], [8, 0]], [2, 1])
    """
    lengths = np.array([min(len(row), width) for row in rows], dtype=np.int64)
    ids = np.full((len(rows), width), fill, dtype=np.int64)
    for row, length, place in zip(rows, lengths, ids, strict=True):
        place[:length] = row[:length]
    return ids, lengths
