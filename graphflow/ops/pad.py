"""Padding: margins around an array, and their adjoint, which folds margins back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import choice, number, operand, paddings
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Moving
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")
Widths = tuple[tuple[Dim, Dim], ...]
KnownWidths = tuple[tuple[int, int], ...]


@register
class Pad(Moving):
    """Margins of given widths around an array.

    ``pad_width`` lists [before, after] for each axis. ``mode`` fills them with ``value``
    (constant), the border element (edge: PyTorch's replicate), the mirror image without the border
    (reflect) or with it (symmetric), or the elements of the opposite side (wrap: circular). A width
    is not negative: a slice takes off.
    """

    latex = r"\operatorname{{pad}}({x})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        number(attrs["value"], "the value of pad")
        if attrs["mode"] != "constant" and attrs["value"] != 0:
            fail("GF033", f"a value has no meaning in mode {attrs['mode']}")
        widths = paddings(attrs["pad_width"], operand(types).ndim, "pad_width")
        return {**attrs, "pad_width": widths, "mode": choice(attrs["mode"], "mode", MODES)}

    def infer(
        self, x: TensorType, *, pad_width: Widths, mode: str = "constant", value: float = 0
    ) -> TensorType:
        for (before, after), n in zip(pad_width, x.shape, strict=True):
            if mode != "constant" and n == 0 and (before, after) != (0, 0):
                fail("GF030", f"mode {mode} cannot pad an empty axis: shape {list(x.shape)}")
        sizes = zip(pad_width, x.shape, strict=True)
        return x.with_shape(before + n + after for (before, after), n in sizes)

    def forward(
        self, xp: Namespace, x: Array, *, pad_width: KnownWidths, mode: str, value: float
    ) -> Array:
        if mode == "constant":
            shape = tuple(b + n + a for (b, a), n in zip(pad_width, x.shape, strict=True))
            out = xp.full(shape, value, dtype=x.dtype)
            out[_core(pad_width, x.shape)] = x
            return out
        for axis, (before, after) in enumerate(pad_width):
            if before or after:
                x = xp.take(x, _sources(xp, x.shape[axis], before, after, mode), axis)
        return x

    def vjp(
        self, g: Value, out: Value, x: Value, *, pad_width: Widths, mode: str, value: float
    ) -> Sequence[Value | None]:
        return (F.unpad(g, pad_width=pad_width, mode=mode),)

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value | None],
        **attrs: Attr,
    ) -> Value | None:
        return super().jvp(out, inputs, tangents, **{**attrs, "value": 0})

    def samples(self) -> Iterator[Sample]:
        x = np.arange(6.0).reshape(2, 3)
        widths = ((1, 0), (2, 1))
        filled = np.pad(x, widths, constant_values=7)
        yield Sample([x], {"pad_width": widths, "value": 7}, filled)
        yield Sample([x], {"pad_width": 1}, np.pad(x, 1))
        for mode in MODES[1:]:
            attrs: Attrs = {"pad_width": widths, "mode": mode}
            yield Sample([x], attrs, np.pad(x, widths, mode=mode))  # type: ignore[call-overload]
        for mirror in ("reflect", "symmetric"):
            wide: Attrs = {"pad_width": ((4, 8),), "mode": mirror}
            expected = np.pad(x[0], (4, 8), mirror)
            yield Sample([x[0]], wide, expected)
        yield Sample([np.zeros((0, 2))], {"pad_width": ((1, 1), (0, 0))}, np.zeros((2, 2)))


@register
class Unpad(Moving):
    """The adjoint of padding: margins are cut off, and added to where they were copied from."""

    latex = r"\operatorname{{unpad}}({x})"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        widths = paddings(attrs["pad_width"], operand(types).ndim, "pad_width")
        return {"pad_width": widths, "mode": choice(attrs["mode"], "mode", MODES)}

    def infer(self, x: TensorType, *, pad_width: Widths, mode: str = "constant") -> TensorType:
        shape = []
        for (before, after), n in zip(pad_width, x.shape, strict=True):
            left = n - before - after
            least = 0 if mode == "constant" or before == after == 0 else 1
            if isinstance(left, int) and left < least:
                fail("GF030", f"margins {list(pad_width)} leave nothing of {list(x.shape)}")
            shape.append(left)
        return x.with_shape(shape)

    def forward(self, xp: Namespace, x: Array, *, pad_width: KnownWidths, mode: str) -> Array:
        shape = tuple(n - b - a for (b, a), n in zip(pad_width, x.shape, strict=True))
        if mode == "constant":
            return x[_core(pad_width, shape)]
        for axis, (before, after) in enumerate(pad_width):
            if before or after:
                x = _folded(x, axis, before, shape[axis], after, mode)
        return x

    def vjp(
        self, g: Value, out: Value, x: Value, *, pad_width: Widths, mode: str
    ) -> Sequence[Value | None]:
        return (F.pad(g, pad_width=pad_width, mode=mode),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(1.0, 7.0)
        folded = {
            "constant": [3.0, 4.0, 5.0],
            "edge": [6.0, 4.0, 11.0],
            "reflect": [3.0, 4.0 + 2.0 + 6.0, 5.0 + 1.0],
            "symmetric": [3.0 + 2.0, 4.0 + 1.0, 5.0 + 6.0],
            "wrap": [9.0, 5.0, 7.0],
        }
        for mode, expected in folded.items():
            yield Sample([x], {"pad_width": ((2, 1),), "mode": mode}, np.array(expected))


def _core(widths: KnownWidths, shape: Sequence[int]) -> tuple[slice, ...]:
    """Where the array itself lies inside its margins."""
    return tuple(slice(b, b + n) for (b, _), n in zip(widths, shape, strict=True))


def _sources(xp: Namespace, n: int, before: int, after: int, mode: str) -> Array:
    """For each element of a padded axis, the element it is a copy of."""
    positions: Array = xp.arange(-before, n + after)
    if mode == "edge":
        found: Array = xp.clip(positions, 0, n - 1)
    elif mode == "wrap":
        found = positions % n
    elif mode == "symmetric":
        turned = positions % (2 * n)
        found = xp.minimum(turned, 2 * n - 1 - turned)
    else:
        turned = positions % max(1, 2 * (n - 1))
        found = xp.minimum(turned, 2 * (n - 1) - turned) if n > 1 else xp.zeros_like(positions)
    return found


def _folded(x: Array, axis: int, before: int, n: int, after: int, mode: str) -> Array:
    """``x`` without the margins of one axis, each element of them added to its source."""
    out = x[_along(axis, slice(before, before + n))].copy()
    sources = _sources(np, n, before, after, mode)
    for position in (*range(before), *range(before + n, before + n + after)):
        out[_along(axis, int(sources[position]))] += x[_along(axis, position)]
    return out


def _along(axis: int, entry: int | slice) -> tuple[int | slice, ...]:
    """An index of one axis, everything of those before it."""
    return (*(slice(None),) * axis, entry)
