"""Transforms of numbers: scales, missing values, logarithms, matrices."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt

from graphflow.data.columns import Array, Column, Indices, Joined, chunks, mapped, missing
from graphflow.data.options import Between
from graphflow.data.transforms.frame import Columns, Fitted, Frame, Transform
from graphflow.data.transforms.registry import transform
from graphflow.diagnostics import fail
from graphflow.files import Json

Floats = npt.NDArray[np.float64]


@transform("standardize")
@dataclass(frozen=True)
class Standardize(Transform):
    """Shift and scale columns to mean 0 and standard deviation 1: (x - mean) / std.

    Mean and deviation are those of the training part, of each feature, missing values left out
    (scikit-learn's StandardScaler; with ``ddof=1`` the deviation is pandas'). A feature without any
    deviation is only shifted. Without ``columns``, all columns of numbers but ``exclude``.
    """

    learns: ClassVar[bool] = True
    columns: Columns = None
    exclude: Columns = None
    ddof: Annotated[int, Between(0, 1)] = 0

    def fit(self, frame: Frame) -> Fitted:
        found = dict[str, Json]()
        for name, column in frame.numbers(self.columns, self.exclude).items():
            count, mean, squares = moments(column, frame.training)
            std = np.sqrt(squares / np.maximum(count - self.ddof, 1))
            found[name] = {"mean": mean.tolist(), "std": np.where(std > 0, std, 1).tolist()}
        return found

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        return _rescaled(frame, fitted, "mean", "std")


@transform("min_max")
@dataclass(frozen=True)
class MinMax(Transform):
    """Shift and scale columns to the range from 0 to 1: (x - min) / (max - min).

    Smallest and largest value are those of the training part, of each feature, missing values left
    out (scikit-learn's MinMaxScaler): other parts may leave the range. Without ``columns``, all
    columns of numbers but ``exclude``.
    """

    learns: ClassVar[bool] = True
    columns: Columns = None
    exclude: Columns = None

    def fit(self, frame: Frame) -> Fitted:
        found = dict[str, Json]()
        for name, column in frame.numbers(self.columns, self.exclude).items():
            low = np.full(column.shape[1:], np.nan)
            high = low
            for rows in chunks(column, frame.training):
                low = np.fmin(low, np.fmin.reduce(rows.astype(np.float64), axis=0))
                high = np.fmax(high, np.fmax.reduce(rows.astype(np.float64), axis=0))
            span = np.where(high > low, high - low, 1)
            found[name] = {"min": low.tolist(), "span": span.tolist()}
        return found

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        return _rescaled(frame, fitted, "min", "span")


def _rescaled(frame: Frame, fitted: Fitted, shift: str, scale: str) -> Frame:
    """Columns as (x - shift) / scale in float32."""

    def change(rows: Array, a: Floats, b: Floats) -> Array:
        return np.asarray((rows.astype(np.float64) - a) / b, dtype=np.float32)

    made = dict[str, Column]()
    for name, values in fitted.items():
        assert isinstance(values, dict)
        a, b = (np.array(values[key], dtype=np.float64) for key in (shift, scale))
        made[name] = mapped(frame.column(name), partial(change, a=a, b=b), np.float32)
    return frame.with_columns(made)


def moments(column: Column, rows: Indices) -> tuple[Floats, Floats, Floats]:
    """How many values each feature has, their mean, and the sum of squared distances from it.

    Chunks are joined by Chan, Golub and LeVeque 1983: no second pass over a long column.
    """
    count = mean = squares = np.zeros(column.shape[1:])
    for taken in chunks(column, rows):
        part = taken.astype(np.float64)
        there = ~np.isnan(part)
        m = there.sum(axis=0)
        own = np.where(there, part, 0).sum(axis=0) / np.maximum(m, 1)
        spread = (np.where(there, part - own, 0) ** 2).sum(axis=0)
        total = np.maximum(count + m, 1)
        gap = own - mean
        mean = mean + gap * m / total
        squares = squares + spread + gap**2 * count * m / total
        count = count + m
    return count, mean, squares


@transform("fill_missing")
@dataclass(frozen=True)
class FillMissing(Transform):
    """Replace missing values by a number or a word, or by the training part's mean, median or
    most_frequent value of each feature (pandas' fillna, scikit-learn's SimpleImputer).

    Without ``columns``, all columns of numbers but ``exclude``.
    """

    learns: ClassVar[bool] = True
    columns: Columns = None
    value: float | str = 0
    exclude: Columns = None

    def fit(self, frame: Frame) -> Fitted:
        if self.columns is None:
            wanted = frame.numbers(None, self.exclude)
            wanted = {n: c for n, c in wanted.items() if c.dtype.kind == "f"}
        else:
            wanted = frame.named(self.columns)
        return {n: self._filling(n, column, frame.training) for n, column in wanted.items()}

    def _filling(self, name: str, column: Column, rows: Indices) -> Json:
        if column.dtype.kind == "O":
            if self.value == "most_frequent":
                words = [w for part in chunks(column, rows) for w in part if w is not None]
                kinds, counts = np.unique(words, return_counts=True)
                return str(kinds[np.argmax(counts)])
            if self.value in ("mean", "median") or not isinstance(self.value, str):
                fail("GF071", f"column '{name}' holds words: it is filled with a word or with "
                     f"most_frequent, not {self.value}")  # fmt: skip
            return self.value
        if not isinstance(self.value, str):
            return self.value
        if self.value == "mean":
            found = moments(column, rows)[1].tolist()
        elif self.value in ("median", "most_frequent"):
            found = _ranked(column, rows, self.value).tolist()
        else:
            fail("GF071", f"column '{name}' is filled with a number, mean, median or "
                 f"most_frequent, not '{self.value}'")  # fmt: skip
        answer: Json = found
        return answer

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        made = dict[str, Column]()
        for name, value in fitted.items():
            column = frame.column(name)
            if column.dtype.kind == "O":
                made[name] = mapped(column, partial(_without_none, word=str(value)), np.object_)
            elif column.dtype.kind == "f":
                change = partial(_without_nan, numbers=np.array(value, dtype=column.dtype))
                made[name] = mapped(column, change, column.dtype.type)
        return frame.with_columns(made)


def _without_none(rows: Array, word: str) -> Array:
    found = rows.copy()
    found[missing(rows)] = word
    return found


def _without_nan(rows: Array, numbers: Array) -> Array:
    return np.where(missing(rows), numbers, rows)


def _ranked(column: Column, rows: Indices, which: str) -> Floats:
    """The median or the most frequent value of each feature."""
    values = np.concatenate([part.astype(np.float64) for part in chunks(column, rows)])
    flat = values.reshape(len(values), -1)
    found = []
    for feature in flat.T:
        there = feature[~np.isnan(feature)]
        if which == "median":
            found.append(np.median(there) if len(there) else 0.0)
        else:
            kinds, counts = np.unique(there, return_counts=True)
            found.append(kinds[np.argmax(counts)] if len(kinds) else 0.0)
    return np.array(found).reshape(values.shape[1:])


@transform("log")
@dataclass(frozen=True)
class Log(Transform):
    """The natural logarithm of columns, log(x + add); ``add=1`` for counts that may be 0."""

    columns: Columns
    add: float = 0

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        def change(rows: Array) -> Array:
            values = rows.astype(np.float64) + self.add
            if np.any(values <= 0):
                least = np.nanmin(values) - self.add
                added = f", which with add={self.add:g} is not positive" if self.add else ""
                fail("GF071", f"the logarithm of {least:g} is asked for{added}",
                     help="log(..., add=1) is for counts that may be 0")  # fmt: skip
            return np.log(values).astype(np.float32)

        numbers = frame.numbers(self.columns)
        return frame.with_columns({n: mapped(c, change, np.float32) for n, c in numbers.items()})


@transform("column_stack")
@dataclass(frozen=True)
class ColumnStack(Transform):
    """Columns side by side as one matrix, the new column ``into`` (NumPy's column_stack).

    Without ``columns``, all columns of numbers but ``exclude``. Those that go in are left out.
    """

    into: str
    columns: Columns = None
    exclude: Columns = None
    keep: bool = field(default=False)

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        parts = frame.numbers(self.columns, self.exclude)
        if not parts:
            fail("GF071", f"there are no columns to put into '{self.into}'")
        joined = Joined(tuple(parts.values()))
        stored = all(isinstance(part, np.ndarray) for part in parts.values())
        matrix: Column = joined.array() if stored else joined
        drop = () if self.keep else [name for name in parts if name != self.into]
        return frame.with_columns({self.into: matrix}, drop=drop)


@transform("drop")
@dataclass(frozen=True)
class Drop(Transform):
    """Leave columns out (pandas' drop)."""

    columns: Columns

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        names = list(frame.named(self.columns))
        return frame.with_columns({}, drop=names)
