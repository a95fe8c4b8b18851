"""Transforms of categories: words, or whole numbers that count nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from graphflow.data.columns import Array, Column, Indices, chunks, mapped
from graphflow.data.tokenizers import UNKNOWN, Tokenizer, Words
from graphflow.data.transforms.frame import Columns, Fitted, Frame, Transform
from graphflow.data.transforms.registry import transform
from graphflow.diagnostics import fail
from graphflow.files import Json


@transform("one_hot")
@dataclass(frozen=True)
class OneHot(Transform):
    """A column of categories as a matrix of zeros with a one for the category of each row.

    The categories are those of the training part in sorted order; a category that only other parts
    have gives zeros alone. With ``dummy_na`` a missing value is a category of its own, the last
    (pandas' get_dummies); without, it gives zeros. Without ``columns``, all columns of words but
    ``exclude``.
    """

    learns: ClassVar[bool] = True
    columns: Columns = None
    dummy_na: bool = False
    exclude: Columns = None

    def fit(self, frame: Frame) -> Fitted:
        wanted = frame.categories(self.columns, self.exclude)
        found = {name: seen(column, frame.training) for name, column in wanted.items()}
        return {name: [*kinds, None] if self.dummy_na else list(kinds)
                for name, kinds in found.items()}  # fmt: skip

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        made = dict[str, Column]()
        for name, kinds in fitted.items():
            assert isinstance(kinds, list)
            change = partial(_ones, numbers=_places(kinds), width=len(kinds))
            made[name] = mapped(frame.column(name), change, np.float32, (len(kinds),))
        return frame.with_columns(made)


@transform("encode")
@dataclass(frozen=True)
class Encode(Transform):
    """A column of categories as whole numbers from 0, the training part's in sorted order.

    With ``unknown``, number 0 is for missing values and for categories that only other parts have,
    and the others count from 1; without, such a value is an error (scikit-learn's OrdinalEncoder).
    Without ``columns``, all columns of words but ``exclude``.
    """

    learns: ClassVar[bool] = True
    columns: Columns = None
    unknown: bool = False
    exclude: Columns = None

    def fit(self, frame: Frame) -> Fitted:
        wanted = frame.categories(self.columns, self.exclude)
        found = {name: seen(column, frame.training) for name, column in wanted.items()}
        return {name: [None, *kinds] if self.unknown else list(kinds)
                for name, kinds in found.items()}  # fmt: skip

    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        made, names = dict[str, Column](), dict[str, Tokenizer]()
        for name, kinds in fitted.items():
            assert isinstance(kinds, list)
            otherwise = 0 if self.unknown else None
            change = partial(_numbers, numbers=_places(kinds), name=name, otherwise=otherwise)
            made[name] = mapped(frame.column(name), change, np.int64)
            names[name] = Words(tuple(UNKNOWN if k is None else str(k) for k in kinds))
        return frame.with_columns(made, tokenizers=names)


def numbered(frame: Frame, name: str) -> Frame:
    """A column of words that is fed as it is: numbers of all its words in sorted order."""
    column = frame.column(name)
    kinds = seen(column, np.arange(len(column)))
    change = partial(_numbers, numbers=_places(kinds), name=name, otherwise=None)
    words = Words(tuple(str(kind) for kind in kinds))
    return frame.with_columns({name: mapped(column, change, np.int64)}, tokenizers={name: words})


def seen(column: Column, rows: Indices) -> list[Json]:
    """The distinct values of some rows in sorted order, but for missing ones."""
    found: set[str | int] = set()
    for part in chunks(column, rows):
        found |= set(part.tolist())
    found.discard(None)
    kinds: list[Json] = [*sorted(found)]
    return kinds


def _places(kinds: Sequence[Json]) -> dict[Json, int]:
    return {kind: place for place, kind in enumerate(kinds)}


def _ones(rows: Array, numbers: Mapping[Json, int], width: int) -> Array:
    """A one at the number of each value; none for what has no number."""
    places = np.array([numbers.get(value, -1) for value in rows.ravel().tolist()])
    ones: Array = (places[:, None] == np.arange(width)).astype(np.float32)
    return ones.reshape(*rows.shape, width)


def _numbers(
    rows: Array, numbers: Mapping[Json, int], name: str, otherwise: int | None
) -> Array:
    """The number of each value; what has none takes ``otherwise`` or is refused."""
    values = rows.ravel().tolist()
    places = [numbers.get(value, otherwise) for value in values]
    if otherwise is None and None in places:
        value = values[places.index(None)]
        if value is None:
            fail("GF073", f"column '{name}' has missing values",
                 help=f"transforms: fill_missing({name}, 'none'), encode({name}, unknown=true) or "
                 f"one_hot({name}, dummy_na=true)")  # fmt: skip
        fail("GF073", f"'{value}' in column '{name}' does not occur in the training part",
             help=f"encode({name}, unknown=true) has a number for such values")  # fmt: skip
    return np.array(places, dtype=np.int64).reshape(rows.shape)
