"""A dataset: named arrays whose first axis counts samples, and how it is cut into parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from numbers import Real
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from graphflow.data.options import concerning, is_number
from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import fail

Array: TypeAlias = npt.NDArray[np.generic]
Indices: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Named arrays of the same length along axis 0.

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
    columns: Mapping[str, Array]
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

    def take(self, indices: Indices | Sequence[int]) -> dict[str, Array]:
        """The samples at ``indices`` of every column, as copies; 2-D indices give (T, B, ...)."""
        return {name: column[np.asarray(indices)] for name, column in self.columns.items()}


def generator(purpose: int, *key: int) -> np.random.Generator:
    """Random numbers that depend on ``purpose`` and ``key`` only.

    ``purpose`` comes first because NumPy's seeding ignores trailing zeros.
    """
    return np.random.default_rng([purpose, *key])


def split(dataset: Dataset, fractions: Mapping[str, float] | None, seed: int) -> dict[str, Indices]:
    """Disjoint parts that cover the dataset: name -> indices.

    Samples are permuted by ``seed``; a sequence is cut into contiguous parts in the order given.
    Part sizes are differences of the rounded cumulative fractions, so that they add up exactly.
    With ``fractions=None`` the source's own parts are returned, or all of it as ``train``.
    Raises GraphflowError when the fractions do not add up to 1 or a part would be empty.

    >>> data = Dataset("tiny", {"x": np.arange(10)}, "a sketch")
    >>> {k: len(v) for k, v in split(data, {"train": 0.8, "test": 0.2}, seed=0).items()}
    {'train': 8, 'test': 2}
    """
    if fractions is None:
        everything = {"train": np.arange(len(dataset))}
        return dict(everything if dataset.splits is None else dataset.splits)
    if seed < 0:
        fail("GF075", f"a seed is 0 or more, not {seed}")
    with concerning("split"):
        _check_fractions(fractions)
        return _parts(dataset, fractions, seed)


def _parts(dataset: Dataset, fractions: Mapping[str, float], seed: int) -> dict[str, Indices]:
    order = np.arange(len(dataset))
    if dataset.steps is None:
        order = generator(1, seed).permutation(len(dataset))
    ends = [round(total * len(dataset)) for total in accumulate(fractions.values())]
    parts = dict(zip(fractions, np.split(order, ends[:-1]), strict=True))
    for name, part in parts.items():
        if len(part) == 0:
            fail(
                "GF075",
                f"part '{name}' would be empty: {fractions[name]:g} of {len(dataset)} samples",
                help="give it a larger share, or leave it out",
            )
    return parts


def _check_fractions(fractions: Mapping[str, float]) -> None:
    for name, fraction in fractions.items():
        if not is_number(fraction, Real) or not 0 < fraction <= 1:
            fail(
                "GF075",
                f"part '{name}' is a fraction between 0 and 1, not {fraction!r}",
                help="a share of 0.2 is a fifth of the samples; leave out a part without any",
            )
    total = math.fsum(fractions.values())
    if abs(total - 1) > 1e-6:
        fail(
            "GF075",
            f"the fractions of the parts add up to {total:g}, not 1",
            help="every sample is in one part: split: {train: 0.8, test: 0.2}",
        )
