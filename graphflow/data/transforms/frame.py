"""What transforms work on: a dataset on its way, with its parts once they are cut."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

import numpy as np

from graphflow.data.columns import Column, Indices, chosen
from graphflow.data.dataset import Dataset
from graphflow.data.tokenizers import Tokenizer
from graphflow.diagnostics import did_you_mean, fail
from graphflow.files import Json

Fitted: TypeAlias = dict[str, Json]
"""What a transform has learned from the training part, as plain data that a run keeps."""
FittedTransform: TypeAlias = tuple[str, Fitted]
"""The name of a transform and what it has learned."""
Columns: TypeAlias = str | Sequence[str] | None


class Transform(ABC):
    """One step: a frozen dataclass whose fields are the arguments that a file gives.

    One that ``learns`` is fitted on the training part, and what it has learned serves all parts.
    """

    learns: ClassVar[bool] = False

    def fit(self, frame: Frame) -> Fitted:
        """What is learned from the training part of ``frame``."""
        return {}

    @abstractmethod
    def apply(self, frame: Frame, fitted: Fitted) -> Frame:
        """The frame after this step."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A dataset and its parts; ``parts`` is None until they are cut."""

    dataset: Dataset
    parts: Mapping[str, Indices] | None = None

    @property
    def training(self) -> Indices:
        """The rows that may be learned from: part ``train``, or the first."""
        assert self.parts is not None
        return self.parts[training_part(self.parts)]

    def column(self, name: str) -> Column:
        """A column by name; GF071 where there is none."""
        known = self.dataset.columns
        if name not in known:
            help = did_you_mean(name, known) or f"the columns are {', '.join(known)}"
            fail("GF071", f"'{self.dataset.name}' has no column '{name}'", help=help)
        return known[name]

    def numbers(self, columns: Columns, exclude: Columns = None) -> dict[str, Column]:
        """The columns of numbers that are named, or all but those in ``exclude``."""
        chosen = self._named(columns, exclude, lambda c: c.dtype.kind in "biuf")
        for name, column in chosen.items():
            if column.dtype.kind not in "biuf":
                help = f"one_hot({name}), encode({name}) or tokenize({name}) makes numbers"
                fail("GF071", f"column '{name}' holds text, not numbers", help=help)
        return chosen

    def categories(self, columns: Columns, exclude: Columns = None) -> dict[str, Column]:
        """The columns of words that are named, or all; a named one may hold whole numbers."""
        chosen = self._named(columns, exclude, lambda c: c.dtype.kind == "O")
        for name, column in chosen.items():
            if column.dtype.kind not in "Oiub" or len(column.shape) != 1:
                shown = f"{column.dtype} {list(column.shape)}"
                fail("GF071", f"column '{name}' is no column of categories: {shown}",
                     help="categories are words or whole numbers, one a sample")  # fmt: skip
        return chosen

    def named(self, columns: Columns) -> dict[str, Column]:
        """The columns that are named."""
        return {name: self.column(name) for name in listed(columns)}

    def _named(
        self, columns: Columns, exclude: Columns, fits: Callable[[Column], bool]
    ) -> dict[str, Column]:
        if columns is not None:
            if exclude is not None:
                several = ", ".join([*listed(columns), *listed(exclude)])
                fail("GF071", "'exclude' leaves columns out where none are named",
                     help=f"several columns are a list: [{several}]")  # fmt: skip
            return self.named(columns)
        out = {name for name in listed(exclude) if self.column(name) is not None}
        everything = self.dataset.columns.items()
        return {n: c for n, c in everything if n not in out and fits(c)}

    def text(self, name: str) -> Column:
        """A column of texts."""
        column = self.column(name)
        if column.dtype.kind != "O":
            fail("GF071", f"column '{name}' holds {column.dtype}, not text")
        return column

    def with_columns(
        self,
        columns: Mapping[str, Column],
        drop: Iterable[str] = (),
        tokenizers: Mapping[str, Tokenizer] | None = None,
    ) -> Frame:
        """The frame with columns added or replaced, and others left out."""
        gone = set(drop)
        kept = {n: c for n, c in {**self.dataset.columns, **columns}.items() if n not in gone}
        known = {**self.dataset.tokenizers, **(tokenizers or {})}
        known = {n: t for n, t in known.items() if n in kept}
        return replace(self, dataset=replace(self.dataset, columns=kept, tokenizers=known))

    def with_rows(self, rows: Indices, columns: Mapping[str, Column] | None = None) -> Frame:
        """The frame of new rows: row i is made of the old rows ``rows[i]``, one or several.

        A new row belongs to a part if all it is made of does. ``columns`` are the new ones; by
        default each column at ``rows`` (n,).
        """
        if not len(rows):
            fail("GF075", f"no row of '{self.dataset.name}' is left")
        made = columns or {n: chosen(c, rows) for n, c in self.dataset.columns.items()}
        before, old = len(self.dataset), rows.reshape(len(rows), -1)

        def kept(parts: Mapping[str, Indices] | None) -> dict[str, Indices] | None:
            if parts is None:
                return None
            return {name: _whole(part, old, before, name) for name, part in parts.items()}

        known = {n: t for n, t in self.dataset.tokenizers.items() if n in made}
        dataset = replace(
            self.dataset, columns=made, splits=kept(self.dataset.splits), tokenizers=known
        )
        return Frame(dataset, kept(self.parts))

    def independent(self) -> Frame:
        """The rows of a sequence as samples that can be shuffled."""
        return replace(self, dataset=replace(self.dataset, steps=None))


def training_part(parts: Mapping[str, Indices]) -> str:
    """The part that is trained on: ``train``, or the first."""
    return "train" if "train" in parts else next(iter(parts))


def listed(columns: Columns) -> list[str]:
    """Names as a list: one is a list of one."""
    return [columns] if isinstance(columns, str) else list(columns or ())


def _whole(part: Indices, rows: Indices, before: int, name: str) -> Indices:
    """The new rows of which all old rows are in a part."""
    inside = np.zeros(before, dtype=bool)
    inside[part] = True
    found = np.flatnonzero(inside[rows].all(axis=1))
    if not len(found):
        fail("GF075", f"no row is left in part '{name}'")
    return found
