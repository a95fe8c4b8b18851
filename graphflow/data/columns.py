"""Columns that are no arrays in memory: stored in files, computed when taken, or of lists.

A column is whatever gives its rows at some indices (:class:`Column`); an array is one. Those here
give arrays of the rows asked for and keep nothing, so that data may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from graphflow.diagnostics import fail

Array: TypeAlias = npt.NDArray[np.generic]
Indices: TypeAlias = npt.NDArray[np.int64]

CHUNK_BYTES = 2**22
"""Of a column that is gone through, so many bytes are held at a time."""


class Column(Protocol):
    """Rows of one kind. The first axis counts samples."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array; an axis along which rows differ in length has the largest."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The number type; ``object`` for texts (str, None where there is none)."""

    def __len__(self) -> int:
        """The number of samples."""

    def __getitem__(self, indices: Indices, /) -> Array:
        """The rows at these indices, one array; indices (T, B) give rows (T, B, ...)."""


def chunks(column: Column, rows: Indices) -> Iterator[Array]:
    """The rows in order, a bounded number of bytes at a time.

    >>> [part.tolist() for part in chunks(np.arange(4), np.array([3, 1]))]
    [[3, 1]]
    """
    width = int(np.prod(column.shape[1:])) * max(1, column.dtype.itemsize)
    height = max(1, CHUNK_BYTES // max(1, width))
    for start in range(0, len(rows), height):
        yield column[rows[start : start + height]]


def missing(rows: Array) -> npt.NDArray[np.bool_]:
    """Where values are missing: None among words, nan among numbers.

    >>> missing(np.array([1.0, np.nan])).tolist(), missing(np.array(["a", None])).tolist()
    ([False, True], [False, True])
    """
    if rows.dtype == object:
        return np.array([value is None for value in rows.ravel()], dtype=bool).reshape(rows.shape)
    found: npt.NDArray[np.bool_] = np.isnan(rows.astype(np.float64))
    return found


@dataclass(frozen=True, eq=False)
class Mapped:
    """What ``function`` makes of the rows of another column, computed when they are taken.

    ``function`` must not mix rows.

    >>> double = Mapped(np.arange(3), lambda rows: 2 * rows, np.dtype(np.int64))
    >>> double[np.array([2, 0])].tolist()
    [4, 0]
    """

    base: Column
    function: Callable[[Array], Array]
    dtype: np.dtype[np.generic]
    item: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape if self.item is None else (len(self.base), *self.item)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, indices: Indices, /) -> Array:
        return self.function(self.base[indices])


def mapped(
    column: Column,
    function: Callable[[Array], Array],
    dtype: type[np.generic],
    item: tuple[int, ...] | None = None,
) -> Column:
    """``function`` of a column: at once where that lies in memory, else when rows are taken."""
    if isinstance(column, np.ndarray):
        return function(column)
    return Mapped(column, function, np.dtype(dtype), item)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Rows of another column, chosen by ``rows`` (n,) or, as windows, (n, size)."""

    base: Column
    rows: Indices

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.rows.shape, *self.base.shape[1:])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.base.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Indices, /) -> Array:
        return self.base[self.rows[indices]]


def chosen(column: Column, rows: Indices) -> Column:
    """Rows of a column: copied where it lies in memory and gets no larger, else when taken."""
    small = rows.ndim == 1 and isinstance(column, np.ndarray)
    return column[rows] if small else Chosen(column, rows)


@dataclass(frozen=True, eq=False)
class Joined:
    """Columns of numbers side by side, as one matrix: of float32 if all are, else of float64."""

    parts: Sequence[Column]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.parts[0]), sum(_width(part) for part in self.parts))

    @property
    def dtype(self) -> np.dtype[np.generic]:
        single = all(part.dtype == np.float32 for part in self.parts)
        return np.dtype(np.float32 if single else np.float64)

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, indices: Indices, /) -> Array:
        lead = indices.shape
        taken = [np.reshape(part[indices], (*lead, _width(part))) for part in self.parts]
        return np.concatenate(taken, axis=-1, dtype=self.dtype, casting="unsafe")

    def array(self) -> Array:
        """All of it in memory."""
        return self[np.arange(len(self))]


def _width(column: Column) -> int:
    return int(np.prod(column.shape[1:]))


@dataclass(frozen=True, eq=False)
class Stored:
    """Rows of an array that lies in a file from byte ``offset`` on, in row-major order.

    Rows are read when they are taken. A mapping of the file would count as memory whatever pages
    the system reads along with a row, and keep them.
    """

    file: Path
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: Indices, /) -> Array:
        wanted = indices.ravel()
        width = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        ends = np.flatnonzero(np.diff(wanted, append=-2) != 1) + 1  # of runs of neighbours
        begins = np.concatenate([[0], ends])[:-1]
        content = bytearray(len(wanted) * width)
        room = memoryview(content)
        with self.file.open("rb") as file:
            for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
                file.seek(self.offset + int(wanted[begin]) * width)
                if file.readinto(room[begin * width : end * width]) != (end - begin) * width:
                    fail("GF073", f"'{self.file}' has changed: it ends too early")
        found = np.frombuffer(content, self.dtype)
        return found.reshape(*indices.shape, *self.shape[1:])


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of whole numbers of different lengths: list i is ``values[starts[i]:starts[i + 1]]``.

    Rows taken together are filled up with ``pad`` to the longest of them.

    >>> Lists.of([[5, 6, 7], [8], []], pad=0)[np.array([1, 0])].tolist()
    [[8, 0, 0], [5, 6, 7]]
    """

    values: Indices
    starts: Indices
    pad: int = 0

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]], pad: int = 0) -> Lists:
        """The column of these lists."""
        starts = np.cumsum([0, *map(len, lists)], dtype=np.int64)
        values = np.fromiter((v for row in lists for v in row), np.int64, int(starts[-1]))
        return cls(values, starts, pad)

    @property
    def lengths(self) -> Indices:
        """How long each list is."""
        return np.diff(self.starts)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), int(self.lengths.max(initial=0)))

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.int64)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, indices: Indices, /) -> Array:
        longest = self.lengths[indices].max(initial=0)
        return self.filled(indices, max(1, int(longest)))

    def filled(self, indices: Indices, length: int) -> Indices:
        """The rows filled up, or cut, to one length."""
        step = np.arange(length)
        place = np.minimum(self.starts[indices][..., None] + step, max(0, len(self.values) - 1))
        inside = step < self.lengths[indices][..., None]
        if not len(self.values):
            return np.full(inside.shape, self.pad)
        return np.where(inside, self.values[place], self.pad)
