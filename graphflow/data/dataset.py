"""A dataset: named columns whose first axis counts samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphflow.data.columns import Array, Column, Indices
from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import fail

__all__ = ["Array", "Column", "Dataset", "Indices", "generator"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Named columns of the same length along axis 0: arrays, or whatever gives rows like one
    (:class:`~graphflow.data.columns.Column`), which need not lie in memory.

    ``steps`` is None for independent samples: a batch stacks them along axis 0. A sequence (a
    text) sets it to the length T of the windows it is served in: the sequence is cut into B
    parallel streams, a batch is the next window of all of them, shape (T, B), and its batch axis
    is 1. ``splits`` are the parts the source itself comes in, ``tokenizers`` say of columns of text
    what their numbers stand for.

    >>> data = Dataset("tiny", {"x": np.arange(6).reshape(3, 2)}, "a sketch")
    >>> len(data), data.axis, data.take([2, 0])["x"].tolist()
    (3, 0, [[4, 5], [0, 1]])
    """

    name: str
    columns: Mapping[str, Column]
    about: str
    splits: Mapping[str, Indices] | None = None
    steps: int | None = None
    tokenizers: Mapping[str, Tokenizer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) != 1:
            shown = ", ".join(f"{name}: {n}" for name, n in lengths.items()) or "no columns"
            fail("GF075", f"the columns of '{self.name}' need one common length ({shown})")

    @property
    def axis(self) -> int:
        """The batch axis of a served batch: 0 for samples, 1 for a sequence served as (T, B)."""
        return 0 if self.steps is None else 1

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def array(self, name: str) -> Array:
        """All of a column in memory."""
        column = self.columns[name]
        return column if isinstance(column, np.ndarray) else column[np.arange(len(self))]

    def take(self, indices: Indices | Sequence[int]) -> dict[str, Array]:
        """The samples at ``indices`` of every column, as copies; 2-D indices give (T, B, ...)."""
        return {name: column[np.asarray(indices)] for name, column in self.columns.items()}


def generator(purpose: int, *key: int) -> np.random.Generator:
    """Random numbers that depend on ``purpose`` and ``key`` only.

    ``purpose`` comes first because NumPy's seeding ignores trailing zeros.
    """
    return np.random.default_rng([purpose, *key])
