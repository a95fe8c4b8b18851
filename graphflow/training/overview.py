"""What a file is fed, as data for whoever shows it: columns, parts, classes, inputs, rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.data.columns import Column, Indices, chunks, missing
from graphflow.data.transforms import FittedTransform
from graphflow.ops.op import Array
from graphflow.spec.syntax import Name
from graphflow.training.feed import Feed

LOOKED_AT = 10_000
"""Rows of the training part that ranges and missing values are counted over."""
MOST_CLASSES = 50
FIRST = 6
"""Numbers of an array that a row shows."""
Cell = str | int | float | list[float] | None


@dataclass(frozen=True)
class ColumnView:
    """A column after transforms. ``low`` and ``high`` are None for text."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    low: float | None
    high: float | None
    missing: int
    fed: bool


@dataclass(frozen=True)
class PartView:
    """A part: its rows, and its batches as they are served."""

    name: str
    rows: int
    batches: int
    trained: bool


@dataclass(frozen=True)
class InputView:
    """An input of the graph, as the first training batch gives it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    low: float
    high: float
    mean: float
    std: float


@dataclass(frozen=True)
class Overview:
    """All of it. ``classes`` counts, for each column of labels, the rows of each class by part."""

    dataset: str
    about: str
    looked_at: int
    columns: tuple[ColumnView, ...]
    parts: tuple[PartView, ...]
    classes: Mapping[str, Mapping[str, Mapping[str, int]]]
    inputs: tuple[InputView, ...]
    rows: tuple[Mapping[str, Cell], ...]
    transforms: tuple[FittedTransform, ...]
    objections: tuple[str, ...]


def overview(feed: Feed, rows: int = 5) -> Overview:
    """What ``feed`` serves, with the first ``rows`` rows of the training part."""
    dataset, part = feed.dataset, feed.parts[feed.training_part]
    inputs = tuple(_input(name, a) for name, a in next(iter(feed.training(0)))[0].items())
    seen = part[:LOOKED_AT]
    names = feed.plan.fed
    return Overview(
        dataset.name,
        dataset.about,
        len(seen),
        tuple(_column(n, c, seen, n in names) for n, c in dataset.columns.items()),
        tuple(
            PartView(n, len(p), feed.batches_of(n), n == feed.training_part)
            for n, p in feed.parts.items()
        ),
        {n: _classes(feed, n) for n in _labels(feed, seen)},
        inputs,
        tuple(
            {n: _cell(column[row][0]) for n, column in dataset.columns.items()}
            for row in part[:rows, None]
        ),
        tuple(feed.learned.fitted or ()),
        tuple(_small_tables(feed, inputs)),
    )


def _small_tables(feed: Feed, inputs: tuple[InputView, ...]) -> Iterator[str]:
    """Tables, such as those of embeddings, that have fewer rows than what is fed names."""
    declared = feed.elaborated.document.data
    graph, feeds = feed.elaborated.graph, {} if declared is None else declared.feed
    named = {view.name: int(view.high) + 1 for view in inputs if np.isfinite(view.high)}
    for name, expr in feeds.items():
        column = expr.id if isinstance(expr, Name) else ""
        if name in named and column in feed.dataset.tokenizers:
            named[name] = max(named[name], len(feed.dataset.tokenizers[column].tokens))
    for node in graph:
        if node.op == "take" and node.attr("axis") == 0 and node.inputs[1] in named:
            rows, needed = graph.nodes[node.inputs[0]].tensor.shape[0], named[node.inputs[1]]
            if isinstance(rows, int) and rows < needed:
                yield (f"'{node.inputs[0]}' has {rows} rows, and '{node.inputs[1]}' is fed "
                       f"{needed} different numbers: 0 to {needed - 1}")  # fmt: skip


def _column(name: str, column: Column, rows: Indices, fed: bool) -> ColumnView:
    low, high, gone = np.inf, -np.inf, 0
    for part in chunks(column, rows):
        if part.dtype == object:
            gone += int(missing(part).sum())
        elif part.size:
            gone += int(np.isnan(part.astype(np.float64)).sum()) if part.dtype.kind == "f" else 0
            low = min(low, float(np.fmin.reduce(part, axis=None)))
            high = max(high, float(np.fmax.reduce(part, axis=None)))
    text = column.dtype.kind == "O" or low > high
    dtype = "text" if column.dtype.kind == "O" else str(column.dtype)
    return ColumnView(
        name, dtype, column.shape, None if text else low, None if text else high, gone, fed
    )


def _labels(feed: Feed, rows: Indices) -> list[str]:
    """The columns of labels that are fed: small whole numbers, one a sample."""
    if feed.dataset.steps is not None:
        return []
    found = []
    for name, column in feed.dataset.columns.items():
        whole = column.dtype.kind in "iu" and len(column.shape) == 1
        if whole and name in feed.plan.fed:
            kinds = np.unique(column[rows])
            few = kinds.min(initial=0) >= 0 and kinds.max(initial=0) < MOST_CLASSES
            found += [name] if few else []
    return found


def _classes(feed: Feed, name: str) -> dict[str, dict[str, int]]:
    """How many rows of each class a part has."""
    column, known = feed.dataset.columns[name], feed.dataset.tokenizers.get(name)
    found: dict[str, dict[str, int]] = {}
    for part, rows in feed.parts.items():
        for values in chunks(column, rows):
            kinds, counts = np.unique(values, return_counts=True)
            for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
                tokens = known.tokens if known is not None else ()
                word = tokens[kind] if 0 <= kind < len(tokens) else str(kind)
                counted = found.setdefault(word, dict.fromkeys(feed.parts, 0))
                counted[part] += count
    return found


def _input(name: str, array: Array) -> InputView:
    values = array.astype(np.float64)
    ends = (float(np.min(values)), float(np.max(values))) if values.size else (np.nan, np.nan)
    spread = (float(np.mean(values)), float(np.std(values))) if values.size else (np.nan, np.nan)
    return InputView(name, str(array.dtype), array.shape, *ends, *spread)


def _cell(value: object) -> Cell:
    """One value of a row: a number, a text, or the first numbers of an array."""
    if value is None or isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.ndim:
        return [round(float(v), 4) for v in array.reshape(-1)[:FIRST]]
    return array.item()  # type: ignore[no-any-return]
