"""Heatmaps, confusion matrices, embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
import numpy.typing as npt

from graphflow.axes import LEADING, axis_words
from graphflow.diagnostics import fail
from graphflow.figures.descriptions import (
    Array,
    Chart,
    Cloud,
    Heatmap,
    Labels,
    Panel,
    Series,
)
from graphflow.figures.gather.material import SAMPLES, Material
from graphflow.spec.figure_keys import Ref
from graphflow.spec.figures import ConfusionDecl, EmbeddingDecl, HeatmapDecl

PANELS = 64
NAMED = 200
"""Points up to which each has its word beside it."""
MOST_CLASSES = 1000
"""Classes of a confusion matrix."""
LARGEST = 400
"""Rows and columns of a matrix that a heatmap shows."""
Numbers = npt.NDArray[np.float64]


def heatmap(decl: HeatmapDecl, material: Material, name: str) -> Heatmap:
    """The last two axes as matrices; samples and heads before them, or steps, become panels."""
    words = [r for r in (decl.row_labels, decl.column_labels) if isinstance(r, Ref)]
    refs = [*decl.of, *([] if decl.cells is None else [decl.cells])]
    count = decl.count or 1
    steps: Sequence[int] = ()
    if decl.steps is None:
        found = material.values(refs, decl.part, count)
    else:
        found, steps = _kept(decl.steps, refs, material)
    told = material.values(words, decl.part, count)
    named = dict(zip(map(str, words), told, strict=True))
    cells = None
    if decl.cells is not None:
        cells = _cells(decl, decl.cells, found[len(decl.of)], found[: len(decl.of)])
    titles = decl.names or [str(ref) if len(decl.of) > 1 else "" for ref in decl.of]
    panels = (
        panel for ref, title, values in zip(decl.of, titles, found, strict=False)
        for panel in _panels(decl, ref, title, _Matrices(values, cells, steps), named, material)
    )  # fmt: skip
    measure = str(decl.of[0]).rpartition(".")[2] if len(decl.of) == 1 else ""
    labels = Labels(decl.title or name, decl.x_label or "", decl.y_label or "", measure,
                    decl.about)  # fmt: skip
    return Heatmap(list(islice(panels, PANELS)), labels, decl.columns, decl.range, decl.diverging)


@dataclass(frozen=True, eq=False)
class _Matrices:
    """Matrices in order, the words in their cells, and the steps that they are of."""

    values: Array
    cells: Array | None
    steps: Sequence[int]


def _kept(
    most: int, refs: Sequence[Ref], material: Material
) -> tuple[list[Array], Sequence[int]]:
    """The values at steps of a run, evenly spaced over its history. GF020 where none is kept."""
    missing = [ref for ref in refs if ref.name not in material.history]
    if missing:
        fail("GF020", f"there is no history of '{missing[0]}' yet", missing[0].mark,
             help="a run keeps it")  # fmt: skip
    histories = [material.history[ref.name] for ref in refs]
    count = min(len(steps) for steps, _ in histories)
    places = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))
    values = [np.asarray(rows)[places][slice(None), *ref.index]
              for ref, (_, rows) in zip(refs, histories, strict=True)]  # fmt: skip
    return values, [int(step) for step in np.asarray(histories[0][0])[places]]


def _cells(decl: HeatmapDecl, ref: Ref, numbers: Array, shown: Sequence[Array]) -> Array:
    """A word for each whole number, none below 0. GF030 where they do not fit."""
    for values in shown:
        if numbers.shape != values.shape:
            told = f"cells '{ref}' of {numbers.shape} for values of {values.shape}"
            fail("GF030", told, decl.mark)
    classes = classes_of(numbers, numbers.ndim)
    largest = int(classes.max(initial=-1, where=np.isfinite(classes)))
    words = decl.words or tuple(str(i) for i in range(min(largest + 1, LARGEST)))
    if largest >= len(words):
        fail("GF030", f"{len(words)} words for cells up to {largest}", decl.mark)
    numbered = np.where(np.isfinite(classes), classes, -1).astype(np.int64)
    found = [words[c] if c >= 0 else "" for c in numbered.reshape(-1).tolist()]
    return np.array(found, object).reshape(classes.shape)


def _panels(
    decl: HeatmapDecl, of: Ref, title: str, shown: _Matrices, named: dict[str, Array],
    material: Material,
) -> Iterator[Panel]:  # fmt: skip
    """The matrices of one value."""
    values = shown.values
    sampled = values.ndim - 2
    if sampled and not shown.steps:
        values = values[: decl.count or 1]
    for place in np.ndindex(values.shape[:sampled]):
        matrix = values[place][:LARGEST, :LARGEST]
        ticks: list[Sequence[str]] = []
        for key, given in (("row_labels", decl.row_labels), ("column_labels", decl.column_labels)):
            told, tokenizer = None, None
            if isinstance(given, Ref):
                told, tokenizer = named[str(given)], material.tokenizer_of(given)
            graph = material.model.graph
            ticks.append(axis_words(graph, of.name, given, told, tokenizer, place))
            size = matrix.shape[len(ticks) - 1]
            if ticks[-1] and len(ticks[-1]) < size:
                fail("GF030", f"{len(ticks[-1])} '{key}' for {size} places of '{of}'", decl.mark)
        which = _panel(place, values.shape[:sampled])
        where = f"step {shown.steps[place[0]]}" if shown.steps else which
        cells = () if shown.cells is None else shown.cells[place][:LARGEST, :LARGEST].tolist()
        rows, columns = ticks
        yield Panel(matrix, ", ".join(filter(None, [title, where])), rows, columns, cells)


def _panel(place: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Which sample and which head a panel is; what there is one of goes unsaid."""
    words = LEADING if len(place) == len(LEADING) else ("",) * len(place)
    told = [f"{w} {i}".strip() for w, i, n in zip(words, place, shape, strict=True) if n > 1]
    return ", ".join(told)


def confusion(decl: ConfusionDecl, material: Material, name: str) -> Heatmap:
    """``counts[i, j]`` samples of class i were taken for class j, over the whole part."""
    counts = np.zeros((0, 0), np.int64)
    for target, predicted in material.streamed(
        [decl.target, decl.predicted], decl.part, decl.count
    ):
        _comparable(decl, target, predicted)
        more = confusion_counts(target, predicted, max(len(decl.names), len(counts)))
        more[: len(counts), : len(counts)] += counts
        counts = more
    words = list(decl.names) or [str(i) for i in range(len(counts))]
    if len(words) < len(counts):
        fail("GF030", f"{len(words)} names for {len(counts)} classes", decl.mark)
    right, total = np.trace(counts), counts.sum()
    told = f"{right} of {total} on the diagonal ({right / total:.1%})" if total else ""
    note = decl.about or told
    shown: Array = counts
    if decl.share:
        shown = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    labels = Labels(decl.title or name, "predicted", str(decl.target),
                    "share" if decl.share else "samples", note)  # fmt: skip
    return Heatmap([Panel(shown, "", words, words)], labels, annotated=True)


def _comparable(decl: ConfusionDecl, target: Array, predicted: Array) -> None:
    """GF030 where predictions are neither classes for the targets nor scores of classes."""
    shape = list(predicted.shape)
    if predicted.ndim == target.ndim + 1:
        del shape[_class_axis(predicted, target.ndim)]
    if len(target.shape) == 0 or tuple(shape) != target.shape:
        fail("GF030", f"targets {target.shape} and predictions {predicted.shape} do not fit",
             decl.mark, help="predictions are classes, of the targets' shape, or scores of "
             "classes, with one more axis")  # fmt: skip


def confusion_counts(target: Array, predicted: Array, classes: int = 0) -> npt.NDArray[np.int64]:
    """A matrix (C, C); scores count as the class of the largest, over the axis that target lacks.

    Targets below 0 stand for nothing (``ignore_index``).

    >>> confusion_counts(np.array([0, 1, 1]), np.array([[3, 1], [0, 2], [5, 4]])).tolist()
    [[1, 0], [1, 1]]
    """
    classes = max(classes, *_scored(target, predicted))
    guess = np.asarray(classes_of(predicted, target.ndim), np.float64).reshape(-1)
    truth = np.asarray(classes_of(target, target.ndim), np.float64).reshape(-1)
    kept = np.isfinite(guess) & np.isfinite(truth) & (truth >= 0) & (guess >= 0)
    last = max(truth[kept].max(initial=-1), guess[kept].max(initial=-1))
    if last >= MOST_CLASSES:
        fail("GF030", f"class {last:g} is one too many: a matrix shows {MOST_CLASSES}")
    row, column = truth[kept].astype(np.int64), guess[kept].astype(np.int64)
    size = max(classes, int(last) + 1)
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (row, column), 1)
    return counts


def _scored(target: Array, predicted: Array) -> tuple[int, int]:
    """How many classes there are scores for."""
    scores = predicted.ndim == target.ndim + 1
    return (0, predicted.shape[_class_axis(predicted, target.ndim)]) if scores else (0, 0)


def _class_axis(values: Array, axes: int) -> int:
    """Scores stand on the last axis, for pixels (N, C, H, W) on the second."""
    return 1 if axes == 3 else -1


def classes_of(values: Array, axes: int) -> Array:
    """Classes: the values themselves, or where the scores of one more axis are largest. GF030
    where there are no scores, GF031 for numbers that are not whole.
    """
    if values.ndim == axes + 1:
        axis = _class_axis(values, axes)
        if values.shape[axis] == 0:
            fail("GF030", f"values {values.shape} are the scores of no class")
        return np.asarray(np.argmax(values, axis=axis))
    numbers = values.astype(np.float64)
    broken = numbers[np.isfinite(numbers) & (numbers != np.round(numbers))]
    if broken.size:
        fail("GF031", f"classes and tokens are whole numbers, but there is {broken[0]:.4g}",
             help="compute them under 'nodes:': argmax(scores, axis=-1), p > 0.5")  # fmt: skip
    return numbers


def embedding(decl: EmbeddingDecl, material: Material, name: str) -> Chart | Cloud:
    """The rows on their first principal components."""
    words = [decl.labels] if isinstance(decl.labels, Ref) else []
    vectors, *given = material.values([decl.of, *words], decl.part, decl.count or SAMPLES)
    vectors = vectors[: decl.count or SAMPLES]
    points, shares = principal(vectors, decl.dimensions)
    text = _names(decl, material, given, len(points))
    names = [f"component {i + 1} ({share:.0%})" for i, share in enumerate(shares)]
    x, y, z = (*names, "")[:3]
    labels = Labels(decl.title or name, x, y, z, decl.about)
    groups = text if text and len(set(text)) <= min(24, len(text) // 2) else []
    if decl.dimensions == 3:
        return Cloud(points, groups, text, labels)
    if not groups:
        mode: Literal["markers", "markers+text"] = "markers"
        if text and len(text) <= NAMED:
            mode = "markers+text"
        shown = Series(str(decl.of), points[:, 1], points[:, 0], mode, text=text)
        return Chart([shown], labels)
    kinds = sorted(set(groups), key=lambda g: (len(g), g))
    of = [np.array([i for i, g in enumerate(groups) if g == kind]) for kind in kinds]
    found = [
        Series(kind, points[mine, 1], points[mine, 0], "markers")
        for kind, mine in zip(kinds, of, strict=True)
    ]
    return Chart(found, labels)


def _names(
    decl: EmbeddingDecl, material: Material, given: Sequence[Array], count: int
) -> Sequence[str]:
    """A word for each row."""
    if decl.tokens is not None:
        return material.tokenizer(decl.tokens).tokens[:count]
    if isinstance(decl.labels, Ref):
        values = given[0]
        chosen = classes_of(values, 1) if values.ndim == 2 else values
        words = [f"{float(v):g}" for v in chosen[:count]]
    else:
        words = list(decl.labels or ())[:count]
    if words and len(words) < count:
        fail("GF030", f"{len(words)} labels for {count} rows of '{decl.of}'", decl.mark)
    return words


def principal(vectors: Array, dimensions: int) -> tuple[Numbers, Numbers]:
    """Rows (N, D) on their first principal components (N, d), and the share of spread of each.

    Rows with a number that is not finite are left where the mean is. Components have the sign
    that makes their largest entry positive, so that they do not turn from run to run.
    """
    from sklearn.decomposition import PCA

    rows = np.asarray(vectors, np.float64)
    whole = np.isfinite(rows).all(axis=1)
    points, shares = np.zeros((len(rows), dimensions)), np.zeros(dimensions)
    most = min(dimensions, rows.shape[1], int(whole.sum()))
    if most == 0 or int(whole.sum()) < 2:
        return points, shares
    with np.errstate(invalid="ignore"):  # rows that are all alike have no spread to share
        pca = PCA(most, svd_solver="full").fit(rows[whole])
    points[whole, :most] = pca.transform(rows[whole])
    largest = np.abs(pca.components_).argmax(axis=1)
    points[:, :most] *= np.sign(pca.components_[range(most), largest])
    shares[:most] = np.nan_to_num(pca.explained_variance_ratio_)
    return points, shares
