"""Values as they are shown: a line of text, a table of numbers, a picture."""

from __future__ import annotations

from math import prod

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.runtime.guard import Summary, summarise
from graphflow.view.details.pictures import (
    CELLS,
    Picture,
    images,
    matrix_at,
    picture,
    slices_are_samples,
)
from graphflow.view.recording.texts import described
from graphflow.view.shown import Cells, Shown
from graphflow.view.written import WHOLE
from graphflow.view.written import shown as in_line


def shown(
    name: str,
    value: Computed,
    slice: int = 0,
    *,
    before: Computed | None = None,
    editable: bool = False,
    pictured: bool = True,
    image: tuple[int, int, int] | None = None,
) -> Shown:
    """One value; of several results the first. ``slice`` says which matrix of more dimensions.

    ``before`` is what it was before the last edit; without ``pictured`` no picture is
    made; with ``image``, rows are images of (channels, height, width) that lie flat.
    Raises GF033 for a slice that is not there.

    >>> shown("q", np.array([[1.0, -2.5]])).cells
    (('1', '-2.5'),)
    """
    array = np.asarray(value[0] if isinstance(value, tuple) else value)
    summary = summarise(array)
    slices = _slices(array)
    if not 0 <= slice < slices:
        fail("GF033", f"'{name}' has no slice {slice}", help=f"it has {slices}, counted from 0")
    cells, place = _cells(array, slice)
    seen = pictured and array.size and not _small(array)
    drawn = _drawn(array, slice, image) if seen else Picture(b"", "")
    return Shown(
        name,
        summary,
        text_of(array, summary),
        cells,
        drawn.png,
        slice,
        slices,
        editable and bool(cells),
        _change(array, before),
        ", ".join(dict.fromkeys(text for text in (drawn.caption, place) if text)),
        drawn.colours,
    )


def _drawn(array: Array, slice: int, image: tuple[int, int, int] | None) -> Picture:
    """The picture of an array, as images where its rows are some."""
    flat = image is not None and array.ndim == 2 and array.shape[1] == prod(image)
    if flat and image is not None and np.isfinite(array).all():
        return images(array.reshape(-1, *image))
    return picture(array, slice)


def shown_all(
    name: str,
    value: Computed,
    before: Computed | None = None,
    *,
    pictured: bool = True,
    image: tuple[int, int, int] | None = None,
) -> tuple[Shown, ...]:
    """A value, or each of several results of one node."""
    if not isinstance(value, tuple):
        return (shown(name, value, before=before, pictured=pictured, image=image),)
    earlier = before if isinstance(before, tuple) else (None,) * len(value)
    return tuple(
        shown(f"{name}[{i}]", part, before=was, pictured=pictured)
        for i, (part, was) in enumerate(zip(value, earlier, strict=True))
    )


def text_of(value: Computed, summary: Summary | None = None) -> str:
    """A value on one line: all of it where it is small, else shape and range; of several results
    the first.
    """
    array = np.asarray(value[0] if isinstance(value, tuple) else value)
    if array.size <= WHOLE:
        return in_line(array)
    return described(array, summary or summarise(array))


def entry_of(number: object) -> str:
    """One entry of a table."""
    item = number.item() if isinstance(number, np.generic) else number
    if isinstance(item, bool):
        return str(item).lower()
    return f"{item:.5g}" if isinstance(item, float) else str(item)


def _small(array: Array) -> bool:
    """Whether all of it stands in the table."""
    return array.ndim <= 2 and all(n <= CELLS for n in array.shape)


def _slices(array: Array) -> int:
    """Matrices with a table of their own; without tables samples of images; else matrices."""
    if array.ndim < 3 or not array.size:
        return 1
    return len(array) if slices_are_samples(array) else prod(array.shape[:-2])


def _cells(array: Array, slice: int) -> tuple[Cells, str]:
    """The table, and which part of the array it is."""
    if not array.size or any(n > CELLS for n in array.shape[-2:]):
        return (), ""
    place = ""
    if array.ndim > 2:
        array, place = matrix_at(array, slice)
    rows = np.atleast_2d(array)
    return tuple(tuple(entry_of(number) for number in row) for row in rows), place


def _change(array: Array, before: Computed | None) -> str:
    """By how much a value differs from before."""
    was = before[0] if isinstance(before, tuple) else before
    if was is None:
        return ""
    was = np.asarray(was)
    if was.shape != array.shape:
        return f"the shape was {list(was.shape)}"
    if np.array_equal(array, was, equal_nan=array.dtype.kind == "f"):
        return ""
    with np.errstate(all="ignore"):
        off = array.astype(np.float64) - was.astype(np.float64)
    if array.size == 1:
        return f"{off.item():+.5g}"
    changed = int(np.count_nonzero((off != 0) & ~(np.isnan(array * 1.0) & np.isnan(was * 1.0))))
    largest = float(np.max(np.abs(off[np.isfinite(off)]), initial=0.0))
    return f"{changed} of {array.size} entries, by up to {largest:.5g}"
