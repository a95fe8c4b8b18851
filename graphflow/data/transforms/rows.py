"""Transforms that change which rows there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from graphflow.data.columns import Chosen, Column, chunks, missing
from graphflow.data.options import Between
from graphflow.data.transforms.frame import Columns, Fitted, Frame, Transform, listed
from graphflow.data.transforms.registry import transform
from graphflow.diagnostics import fail

Positive = Annotated[int, Between(1)]


@transform("drop_missing")
@dataclass(frozen=True)
class DropMissing(Transform):
    """Leave out the rows in which a value is missing (pandas' dropna).

    Without ``columns``, a missing value in any column counts.
    """

    columns: Columns = None

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        names = listed(self.columns) or list(frame.dataset.columns)
        whole = np.ones(len(frame.dataset), dtype=bool)
        for name in names:
            whole &= _whole(frame.column(name))
        return frame.with_rows(np.flatnonzero(whole))


def _whole(column: Column) -> npt.NDArray[np.bool_]:
    """Of each row, whether nothing is missing."""
    if column.dtype.kind not in "Of":
        return np.ones(len(column), dtype=bool)
    found = []
    for part in chunks(column, np.arange(len(column))):
        found.append(~missing(part).reshape(len(part), -1).any(axis=1))
    return np.concatenate(found)


@transform("head")
@dataclass(frozen=True)
class Head(Transform):
    """The first ``n`` rows (pandas' head)."""

    n: Positive

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        return frame.with_rows(np.arange(min(self.n, len(frame.dataset))))


@transform("keep")
@dataclass(frozen=True)
class Keep(Transform):
    """The rows whose ``column`` is one of ``values`` (pandas' isin): some classes of many."""

    column: str
    values: Sequence[float | str]

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        column = frame.column(self.column)
        rows = np.arange(len(column))
        kept = rows[np.concatenate([np.isin(part, self.values) for part in chunks(column, rows)])]
        if not len(kept):
            fail("GF071", f"'{self.column}' has none of the values {list(self.values)}")
        return frame.with_rows(kept)


@transform("windows")
@dataclass(frozen=True)
class Windows(Transform):
    """A series as windows: ``column`` becomes (n, size), all stretches of ``size`` values, and
    ``column_ahead`` (n, ahead) the values that follow each (Dive into Deep Learning 9.1).

    ``step`` is how far apart windows begin. Several columns are cut alike; all others are left
    out. A window belongs to a part if all its rows do.
    """

    column: str | Sequence[str]
    size: Positive
    ahead: Annotated[int, Between(0)] = 1
    step: Positive = 1

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        length, span = len(frame.dataset), self.size + self.ahead
        if length < span:
            fail("GF071", f"a series of {length} has no window of {self.size} and {self.ahead} "
                 "values after it")  # fmt: skip
        starts = np.arange(0, length - span + 1, self.step)
        rows = starts[:, None] + np.arange(span)
        made = dict[str, Column]()
        for name in listed(self.column):
            made[name] = Chosen(frame.column(name), rows[:, : self.size])
            if self.ahead:
                made[f"{name}_ahead"] = Chosen(frame.column(name), rows[:, self.size :])
        found = frame.with_rows(rows, made)
        return found.independent()
