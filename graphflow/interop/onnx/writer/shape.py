"""Operators that move numbers about: shapes, joining, slicing, padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.interop.onnx.writer.core import counting, on_diagonal
from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.table import writes
from graphflow.ir.dims import Dim, product
from graphflow.ir.types import tensors
from graphflow.ops.op import get_op
from graphflow.ops.rearrange import layout_of

FIRST = -(2**63)
"""An end of a slice that means: through the first element."""


@writes("reshape")
def reshape(c: Call) -> str:
    """The same elements in another shape."""
    return c.reshape(c.x, c.out.shape)


@writes("transpose")
def transpose(c: Call) -> str:
    """The axes in another order."""
    axes = c.axes("axes")
    return c.op("Transpose", c.x, perm=axes) if axes else c.x


@writes("broadcast_to")
def broadcast_to(c: Call) -> str:
    """Stretched to a shape."""
    return c.op("Expand", c.x, c.dims(c.out.shape))


@writes("expand_dims")
def expand_dims(c: Call) -> str:
    """New axes of size 1."""
    return c.op("Unsqueeze", c.x, c.ints(*c.axes()))


@writes("squeeze")
def squeeze(c: Call) -> str:
    """Without axes of size 1."""
    axes = c.axes()
    return c.op("Squeeze", c.x, c.ints(*axes)) if axes else c.x


@writes("rearrange")
def rearrange(c: Call) -> str:
    """A reshape, a transpose and a reshape."""
    plan = layout_of(c.types[0].shape, c.attrs["pattern"], c.attrs["sizes"])  # type: ignore[arg-type]
    x = c.reshape(c.x, plan.parts)
    if plan.order != tuple(range(len(plan.order))):
        x = c.op("Transpose", x, perm=plan.order)
    return c.reshape(x, plan.result)


@writes("concat")
def concat(c: Call) -> str:
    """One after the other."""
    return c.op("Concat", *c.inputs, axis=c.axis)


@writes("stack")
def stack(c: Call) -> str:
    """Side by side along a new axis."""
    axis = c.ints(c.axis)
    parts = [c.op("Unsqueeze", x, axis) for x in c.inputs]
    return c.op("Concat", *parts, axis=c.axis)


@writes("split")
def split(c: Call) -> Sequence[str]:
    """Cut along an axis."""
    axis, parts = c.axis, tensors(c.node.type)
    widths = c.dims([part.shape[axis] for part in parts])
    return c.emitter.ops("Split", len(parts), c.x, widths, axis=axis)


@writes("tile")
def tile(c: Call) -> str:
    """The whole array several times along each axis."""
    reps = c.shape("reps")
    x, shape = c.x, c.types[0].shape
    if len(reps) > len(shape):
        x = c.reshape(x, (*(1,) * (len(reps) - len(shape)), *shape))
    return c.op("Tile", x, c.dims(reps))


@writes("repeat")
def repeat(c: Call) -> str:
    """Each element several times in a row: along an axis of its own."""
    shape, axis = c.types[0].shape, c.axis
    apart = c.op("Unsqueeze", c.x, c.ints(axis + 1))
    copied = (*shape[: axis + 1], c.dim("repeats"), *shape[axis + 1 :])
    return c.reshape(c.op("Expand", apart, c.dims(copied)), c.out.shape)


# -- slices -----------------------------------------------------------------------------------


def cut(c: Call, x: str, parts: Sequence[tuple[int, Dim, Dim | None, int]]) -> str:
    """``x`` from start to stop (None: through the first) by step, along axes."""
    if not parts:
        return x
    axes, starts, stops, steps = zip(*parts, strict=True)
    ends = [FIRST if stop is None else stop for stop in stops]
    return c.op("Slice", x, c.dims(starts), c.dims(ends), c.ints(*axes), c.ints(*steps))


@writes("flip")
def flip(c: Call) -> str:
    """The opposite order: from the last through the first, by steps of -1."""
    return cut(c, c.x, [(axis, -1, None, -1) for axis in c.axes()])


@writes("roll")
def roll(c: Call) -> str:
    """The last ``shift`` elements before the others."""
    axis = c.axis
    n = c.types[0].shape[axis]
    at = n - (c.dim("shift") - c.dim("shift") // n * n)
    tail, head = cut(c, c.x, [(axis, at, n, 1)]), cut(c, c.x, [(axis, 0, at, 1)])
    return c.op("Concat", tail, head, axis=axis)


@writes("slice")
def slice_(c: Call) -> str:
    """Slices, then without the axes that an index drops, then with new ones."""
    shape, parts, dropped, added = c.types[0].shape, [], [], []
    axis = kept = 0
    for kind, *values in entries(c):
        if kind == "newaxis":
            added.append(kept)
        elif kind == "index":
            parts.append((axis, values[0], values[0] + 1, 1))
            dropped.append(axis)
        elif values != [0, shape[axis], 1]:
            parts.append((axis, *values))
        axis += kind != "newaxis"
        kept += kind != "index"
    x = cut(c, c.x, parts)
    x = c.op("Squeeze", x, c.ints(*dropped)) if dropped else x
    return c.op("Unsqueeze", x, c.ints(*added)) if added else x


def entries(c: Call) -> Sequence[Sequence]:  # type: ignore[type-arg]
    """The stored index of a slice: one entry an axis."""
    return c.shape("index")  # type: ignore[return-value]


@writes("unslice")
def unslice(c: Call) -> str:
    """Zeros around and between the elements: the adjoint of slicing, axis by axis."""
    parts = taken(c)
    shape = [count for count, _, _ in parts]
    x = c.reshape(c.x, shape)
    widths: list[tuple[Dim, Dim]] = []
    for axis, ((count, start, step), total) in enumerate(zip(parts, c.out.shape, strict=True)):
        if count == 0:
            widths.append((0, total))
            continue
        if step < 0:
            x, start = cut(c, x, [(axis, -1, None, -1)]), start + (count - 1) * step
        if abs(step) > 1:
            x = spaced(c, x, shape, axis, abs(step))
            shape[axis] = (count - 1) * abs(step) + 1
        widths.append((start, total - start - shape[axis]))
    return zero_padded(c, x, widths)


def taken(c: Call) -> list[tuple[Dim, Dim, int]]:
    """(count, start, step) for each axis of the array that is sliced."""
    found: list[tuple[Dim, Dim, int]] = []
    counts = iter(c.types[0].shape)
    for kind, *values in entries(c):
        if kind == "index":
            found.append((1, values[0], 1))
            continue
        count = next(counts)
        if kind == "slice":
            found.append((count, values[0], values[2]))
    return found


def spaced(c: Call, x: str, shape: Sequence[Dim], axis: int, step: int) -> str:
    """Zeros between the elements along an axis: every step-th element of the result is one."""
    n, own = shape[axis], c.ints(axis + 1)
    zero = c.number(0, c.out.dtype)
    apart = c.op("Pad", c.op("Unsqueeze", x, own), c.ints(0, step - 1), zero, own)
    merged = c.reshape(apart, (*shape[:axis], n * step, *shape[axis + 1 :]))
    return cut(c, merged, [(axis, 0, (n - 1) * step + 1, 1)])


# -- padding ----------------------------------------------------------------------------------


def zero_padded(c: Call, x: str, widths: Sequence[tuple[Dim, Dim]]) -> str:
    """Margins of zeros."""
    return padded(c, x, widths, c.number(0, c.out.dtype))


def padded(c: Call, x: str, widths: Sequence[tuple[Dim, Dim]], fill: str) -> str:
    """Margins of one number."""
    if all(pair == (0, 0) for pair in widths):
        return x
    before, after = zip(*widths, strict=True)
    return c.op("Pad", x, c.dims([*before, *after]), fill)


@writes("pad")
def pad(c: Call) -> str:
    """Margins: of one number, the border, a mirror image, the opposite side.

    ONNX mirrors in one way, and no further than the array reaches: else elements are looked up.
    """
    widths, mode = widths_of(c), str(c.attrs["mode"])
    if mode == "constant":
        return padded(c, c.x, widths, c.scalar("value", c.out.dtype))
    if all(pair == (0, 0) for pair in widths):
        return c.x
    sizes = zip(widths, c.types[0].shape, strict=True)
    wide = any(isinstance(n, int) and max(c.known(pair)) >= n for pair, n in sizes)
    if wide or mode == "symmetric":
        return pad_by_lookup(c, widths, mode)
    before, after = zip(*widths, strict=True)
    return c.op("Pad", c.x, c.dims([*before, *after]), mode=mode)


def pad_by_lookup(c: Call, widths: Sequence[tuple[Dim, Dim]], mode: str) -> str:
    """Every element of an axis looked up by its position."""
    x = c.x
    for axis, (pair, n) in enumerate(zip(widths, c.types[0].shape, strict=True)):
        if pair != (0, 0):
            places = sources(c.known([n])[0], c.known(pair), mode)
            x = c.op("Gather", x, c.array(places), axis=axis)
    return x


def sources(n: int, pair: Sequence[int], mode: str) -> np.ndarray:
    """For each element of a padded axis the element that it is a copy of."""
    forward = get_op("pad").forward
    return np.asarray(forward(np, np.arange(n), pad_width=(tuple(pair),), mode=mode, value=0))


@writes("unpad")
def unpad(c: Call) -> str:
    """Without the margins; what was copied into them is added to where it came from."""
    widths, shape = widths_of(c), c.types[0].shape
    if c.attrs["mode"] == "constant":
        pairs = zip(widths, shape, strict=True)
        parts = [(i, b, n - a, 1) for i, ((b, a), n) in enumerate(pairs) if (b, a) != (0, 0)]
        return cut(c, c.x, parts)
    x = c.x
    for axis, (pair, n) in enumerate(zip(widths, c.out.shape, strict=True)):
        if pair != (0, 0):
            (size,) = c.known([n])
            copies = sources(size, c.known(pair), str(c.attrs["mode"]))[:, None] == np.arange(size)
            x = along(c, x, axis, len(shape), copies.T)
    return x


def widths_of(c: Call) -> Sequence[tuple[Dim, Dim]]:
    """The margins of each axis."""
    return c.shape("pad_width")  # type: ignore[return-value]


def along(c: Call, x: str, axis: int, ndim: int, matrix: np.ndarray) -> str:
    """Every line of ``x`` along an axis multiplied by a matrix that is known."""
    letters = "abcdefghijklmnopqrstuvwxy"[:ndim]
    result = letters[:axis] + "z" + letters[axis + 1 :]
    known = c.array(matrix.astype(c.out.dtype.value))
    return c.op("Einsum", x, known, equation=f"{letters},z{letters[axis]}->{result}")


# -- triangles and diagonals ------------------------------------------------------------------


@writes("tril", "triu")
def triangle(c: Call) -> str:
    """One side of the k-th diagonal."""
    return c.op("Trilu", c.x, c.size(c.dim("k")), upper=int(c.node.op == "triu"))


@writes("diag")
def diag(c: Call) -> str:
    """A diagonal: every (columns + 1)-th element of the rows laid end to end; or a matrix of it."""
    (x,), k = c.types, c.whole("k")
    if x.ndim == 2:
        first = max(k, 0) + max(-k, 0) * x.shape[1]
        flat = c.reshape(c.x, (product(x.shape),))
        places = c.op("Mul", counting(c, c.out.shape[0]), c.size(x.shape[1] + 1))
        return c.op("Gather", flat, c.op("Add", places, c.size(first)), axis=0)
    n = c.out.shape[0]
    lined = c.op("Unsqueeze", zero_padded(c, c.x, [(0, abs(k))]), c.ints(1 if k >= 0 else 0))
    return c.op("Where", on_diagonal(c, n, n, k), lined, c.number(0, c.out.dtype))
