"""Windows on spatial axes: where a kernel comes to lie, for convolutions and pooling.

Arrays have the shape (batch, channels, *spatial). Along one axis of size n, with ``before`` and
``after`` elements of padding, the window number o covers the padded elements
o * stride + i * dilation for i < kernel, and there are
(n + before + after - dilation * (kernel - 1) - 1) // stride + 1 windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from types import EllipsisType

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, Symbolic
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType
from graphflow.ops.arguments import ceil_div, paddings, per_axis
from graphflow.ops.op import Array, Namespace

Steps = int | tuple[int, ...]
Pairs = tuple[tuple[Dim, Dim], ...]
Offset = tuple[int, ...]
Position = tuple[EllipsisType | slice | int, ...]


@dataclass(frozen=True)
class Windows:
    """A kernel's size, stride, padding and dilation, one entry for each spatial axis."""

    kernel: Shape
    stride: tuple[int, ...]
    padding: Pairs
    dilation: tuple[int, ...]
    ceil: bool = False
    """Whether a last window that reaches beyond the padding counts (PyTorch's ceil_mode)."""

    def counts(self, spatial: Shape) -> Shape:
        """The number of windows along each axis."""
        return tuple(self._count(i, n) for i, n in enumerate(spatial))

    def _count(self, axis: int, n: Dim) -> Dim:
        (before, after), stride = self.padding[axis], self.stride[axis]
        extent = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        room = n + before + after - extent
        if isinstance(room, int) and room < 0:
            fail(
                "GF030",
                f"a window of {extent} elements does not fit an axis of {n + before + after}"
                + (f" ({n} and padding {before} + {after})" if before or after else ""),
                help="use a smaller kernel, more padding, or a larger input",
            )
        if not self.ceil:
            return room // stride + 1
        count = ceil_div(room, stride) + 1
        return count - 1 if self._starts_outside(axis, n, count) else count

    def _starts_outside(self, axis: int, n: Dim, count: Dim) -> bool:
        """Whether the last window would start in the padding after the array."""
        (before, after), stride = self.padding[axis], self.stride[axis]
        slack = (count - 1) * stride - n - before
        if isinstance(slack, int):
            return slack >= 0
        covered = self.dilation[axis] * (self.kernel[axis] - 1) + 1 - stride - after
        if isinstance(covered, int) and covered >= 0:
            return False  # the window before it covers everything that is left
        fail("GF030", f"ceil_mode needs to know the size {n} for this stride and kernel")

    def offsets(self) -> Iterator[Offset]:
        """Every position inside the kernel."""
        return product(*(range(k) for k in self.kernel))  # type: ignore[arg-type]

    def part(self, offset: Offset, counts: Shape) -> Position:
        """The elements of a padded array that all windows have at one position."""
        inner = (
            slice(i * d, i * d + s * (n - 1) + 1, s) if n else slice(0, 0)
            for i, d, s, n in zip(offset, self.dilation, self.stride, counts, strict=True)
        )
        return (..., *inner)

    def padded_sizes(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """The sizes with padding, and with what a last window covers beyond it."""
        sizes = []
        for axis, (n, count) in enumerate(zip(spatial, self.counts(tuple(spatial)), strict=True)):
            room = n + sum(self.padding[axis])
            extent = self.dilation[axis] * (self.kernel[axis] - 1) + 1
            covered = (count - 1) * self.stride[axis] + extent
            sizes.append(max(room, covered))  # type: ignore[type-var]
        return tuple(sizes)  # type: ignore[arg-type]

    def core(self, spatial: Sequence[int]) -> Position:
        """Where the array lies inside its padding, all leading axes included."""
        inner = (slice(b, b + n) for (b, _), n in zip(self.padding, spatial, strict=True))
        return (..., *inner)

    def padded(self, xp: Namespace, x: Array, fill: float) -> Array:
        """``x`` with its padding filled by one number."""
        spatial = x.shape[-len(self.kernel) :]
        sizes = self.padded_sizes(spatial)
        if sizes == spatial:
            return x
        out = xp.full((*x.shape[: -len(sizes)], *sizes), fill, dtype=x.dtype)
        out[self.core(spatial)] = x
        return out


def spatial_rank(x: TensorType, op: str) -> int:
    """How many spatial axes (batch, channels, *spatial) has: 1, 2 or 3."""
    rank = x.ndim - 2
    if rank not in (1, 2, 3):
        fail(
            "GF030",
            f"{op} wants (batch, channels, 1 to 3 spatial axes), but the shape is {list(x.shape)}",
            help="add a missing axis of size 1 with x[:, None] or x[None]",
        )
    return rank


def window_padding(
    padding: Attr, kernel: Shape, stride: Sequence[int], dilation: Sequence[int]
) -> Pairs:
    """Padding as pairs; ``same`` keeps the size of the axis, ``valid`` means none."""
    if padding == "valid":
        padding = 0
    if padding != "same":
        if isinstance(padding, str):
            fail("GF033", f"padding is a number, 'same' or 'valid', not '{padding}'")
        return paddings(padding, len(kernel))
    if any(s != 1 for s in stride):
        fail("GF033", "padding 'same' needs stride 1: otherwise the size cannot stay the same")
    pairs = []
    for k, d in zip(kernel, dilation, strict=True):
        if isinstance(k, Symbolic):
            fail("GF026", f"padding 'same' needs a kernel of known size, not {k}")
        total = d * (k - 1)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def steps(value: Attr, rank: int, what: str) -> tuple[int, ...]:
    """A stride or dilation for each axis."""
    return per_axis(value, rank, what)
