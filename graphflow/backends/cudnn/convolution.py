"""Nodes of convolutions as cuDNN is asked for them.

The three operators are three sides of one form, and each side of it is one operation of cuDNN:

    conv               y from x and w     forward
    conv_transpose     x from y and w     data gradient
    conv_weight_grad   w from x and y     weight gradient

cuDNN takes images and volumes with any strides; a sequence is an image of one line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from graphflow.backends.cudnn.tensors import NUMBERS, Refused, Sizes, Tensor
from graphflow.ir.graph import Node
from graphflow.ops.windows import Windows

Side = Literal["forward", "data gradient", "weight gradient"]
SIDES: Mapping[str, tuple[Side, tuple[str, str, str]]] = {
    "conv": ("forward", ("x", "w", "y")),
    "conv_transpose": ("data gradient", ("y", "w", "x")),
    "conv_weight_grad": ("weight gradient", ("x", "y", "w")),
}
"""By operator what it computes, and the parts that its operands and its result play."""


@dataclass(frozen=True)
class Convolution:
    """One side of a convolution of images ``x`` with a weight ``w`` to images ``y``.

    ``order`` names the parts that the operands and then the result play. With ``exact`` no
    algorithm serves but sums of products; with ``tf32`` factors may be rounded to TF32.
    """

    side: Side
    order: tuple[str, str, str]
    x: Tensor
    w: Tensor
    y: Tensor
    stride: Sizes
    before: Sizes
    after: Sizes
    dilation: Sizes
    exact: bool
    tf32: bool = False

    @property
    def operands(self) -> tuple[Tensor, ...]:
        """The arrays that are read, as the node has them."""
        return tuple(self._part(name) for name in self.order[:-1])

    @property
    def results(self) -> tuple[Tensor, ...]:
        """The array that is computed."""
        return (self._part(self.order[-1]),)

    def _part(self, name: str) -> Tensor:
        return {"x": self.x, "w": self.w, "y": self.y}[name]

    @property
    def how(self) -> str:
        """What is computed, in a few words."""
        size = " x ".join(map(str, self.w.shape[2:]))
        groups = self.x.shape[1] // self.w.shape[1]
        apart = f", {groups} groups" if groups > 1 else ""
        rounded = ", tf32" if self.tf32 else ""
        channels = f"{self.x.shape[1]} to {self.y.shape[1]} channels"
        return f"{self.side}, {size}, {channels}{apart}{rounded}"


def convolution(
    node: Node, arrays: Sequence[Tensor], exact: bool, tf32: bool = False
) -> Convolution | Refused:
    """A node of a convolution whose operands and whose result lie like ``arrays``, or why cuDNN
    does not compute it. ``tf32`` is for those in float32.
    """
    side, order = SIDES[node.op]
    parts = dict(zip(order, arrays, strict=True))
    found = {part.dtype for part in arrays}
    if len(found) > 1 or not found <= NUMBERS.keys():
        return Refused(f"has no convolution of {' and '.join(sorted(found))}")
    if not all(prod(part.shape) for part in arrays):
        return Refused("takes no array without elements")
    windows = _windows(node, parts["w"].shape[2:])
    if windows.counts(parts["x"].shape[2:]) != parts["y"].shape[2:]:
        return Refused("takes no output_padding beyond the last window")
    before, after = (tuple(side) for side in zip(*windows.padding, strict=True))
    x, w, y = (_image(parts[name]) for name in "xwy")
    line = len(x.shape) - len(parts["x"].shape)  # 1 axis more for a sequence
    return Convolution(
        side, order, x, w, y, (1,) * line + windows.stride, (0,) * line + before,
        (0,) * line + after, (1,) * line + windows.dilation, exact,
        tf32 and x.dtype == "float32",
    )  # fmt: skip


def _windows(node: Node, kernel: Sizes) -> Windows:
    stride, padding, dilation = (node.attr(name) for name in ("stride", "padding", "dilation"))
    return Windows(kernel, stride, padding, dilation)  # type: ignore[arg-type]


def _image(array: Tensor) -> Tensor:
    """A sequence as an image of one line."""
    if len(array.shape) > 3:
        return array
    (*front, length), (*apart, step) = array.shape, array.strides
    return Tensor(array.dtype, (*front, 1, length), (*apart, length * step, step))
