"""What a file's heatmaps show, a matrix at a time: attention by layer and head, with its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphflow.axes import LEADING, axis_words
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import LEAVES
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.spec.figure_keys import Ref
from graphflow.spec.figures import HeatmapDecl
from graphflow.view.recording.recording import Recording


@dataclass(frozen=True)
class MapChoice:
    """A heatmap of the file. ``values`` are what it shows; ``sizes`` counts samples, heads and the
    like before the matrices of each, None where it has not run yet.
    """

    name: str
    title: str
    about: str
    values: tuple[str, ...]
    sizes: tuple[tuple[int, ...] | None, ...]

    def axes(self, value: int) -> tuple[tuple[str, int], ...]:
        """What there is to choose for one of the values: a word and a count for each axis."""
        sizes = self.sizes[value] or ()
        words = LEADING if len(sizes) == len(LEADING) else ("matrix",) * len(sizes)
        return tuple(zip(words, sizes, strict=True))


@dataclass(frozen=True, eq=False)
class MapView:
    """A matrix with the words at its rows and columns."""

    matrix: Array
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    x_label: str
    y_label: str
    range: tuple[float, float] | None
    diverging: bool


def maps(recording: Recording, model: Model, index: int) -> tuple[MapChoice, ...]:
    """The heatmaps that the file declares, as far as they are known at the step ``index``."""
    return tuple(
        MapChoice(name, decl.title or name, decl.about, decl.names or tuple(map(str, decl.of)),
                  tuple(_sizes(_value(recording, index, ref)) for ref in decl.of))
        for name, decl in model.document.figures.items() if isinstance(decl, HeatmapDecl)
    )  # fmt: skip


def map_at(
    recording: Recording, model: Model, index: int, name: str, value: int, place: Sequence[int]
) -> MapView:
    """The matrix at ``place`` of one of a heatmap's values. GF020 for a heatmap that is not there,
    GF033 for such a place, GF082 for a value that has not run yet.
    """
    decl = model.document.figures.get(name)
    if not isinstance(decl, HeatmapDecl):
        fail("GF020", f"no heatmap is called '{name}'",
             help=did_you_mean(name, model.document.figures))  # fmt: skip
    ref = decl.of[value]
    array = _value(recording, index, ref)
    if array is None:
        fail("GF082", f"'{ref}' has not run yet", help="go forward")
    sizes = array.shape[:-2]
    if len(place) != len(sizes) or not all(
        i in range(n) for i, n in zip(place, sizes, strict=False)
    ):
        fail("GF033", f"'{ref}' has no matrix at {list(place)}", help=f"of {list(sizes)}")
    rows, columns = (
        tuple(_words(recording, model, index, ref, given, place))
        for given in (decl.row_labels, decl.column_labels)
    )
    return MapView(array[tuple(place)], rows, columns, decl.x_label or "", decl.y_label or "",
                   decl.range, decl.diverging)  # fmt: skip


def _value(recording: Recording, index: int, ref: Ref) -> Array | None:
    """What a figure's name stands for as the step leaves it; None where that is not known."""
    number = recording.step(index).turn if index >= 0 else 0
    turn = recording.turns[number]
    if ref.name not in turn.graph:
        return None
    node = turn.graph.resolve(ref.name)
    is_leaf = turn.graph.nodes[node].op in LEAVES
    has_run = 0 <= recording.first(number, (), node) <= index
    value = turn.values.get(node) if is_leaf or has_run else None
    return None if value is None or isinstance(value, tuple) else np.asarray(value)[ref.index]


def _sizes(value: Array | None) -> tuple[int, ...] | None:
    return None if value is None else value.shape[:-2]


def _words(
    recording: Recording, model: Model, index: int, of: Ref,
    given: Ref | tuple[str, ...] | None, place: Sequence[int],
) -> Sequence[str]:  # fmt: skip
    """The words at an axis, none where their tokens are not in this walk."""
    if not isinstance(given, Ref):
        return given or ()
    values, tokenizer = _value(recording, index, given), model.tokenizer_of(given.name)
    if values is None:
        return ()
    return axis_words(model.graph, of.name, given, values, tokenizer, place)
