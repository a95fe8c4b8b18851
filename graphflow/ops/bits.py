"""Integers as rows of bits: and, or, exclusive or, not, shifts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.types import DType, TensorType
from graphflow.ops.elementwise import Binary, Elementwise
from graphflow.ops.op import Sample, register


class Bitwise(Binary):
    """Base: of whole numbers, so without a derivative."""

    booleans: ClassVar[bool] = True
    """Whether true and false count as numbers of one bit."""
    jvp = None  # type: ignore[assignment]

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        _whole(self.name, x, self.booleans)
        return super().infer(x, y)

    def samples(self) -> Iterator[Sample]:
        function = getattr(np, self.ufunc)
        for dtype in ("int64", "uint8", "bool") if self.booleans else ("int64", "uint8"):
            x, y = np.array([[12], [7], [0]]).astype(dtype), np.array([3, 1]).astype(dtype)
            yield Sample([x, y], {}, function(x, y), differentiable=False)


def _whole(op: str, x: TensorType, booleans: bool = True) -> None:
    if not (x.dtype.is_integer or (booleans and x.dtype is DType.BOOL)):
        fail("GF031", f"{op} works on the bits of integers, not on {x.dtype}")


@register
class BitwiseAnd(Bitwise):
    """The bits that both have. 12 and 10 have 8 in common: 1100, 1010 -> 1000."""

    latex, ufunc = r"{x} \mathbin{{\&}} {y}", "bitwise_and"


@register
class BitwiseOr(Bitwise):
    """The bits that one or the other has. 1100, 1010 -> 1110."""

    latex, ufunc = r"{x} \mathbin{{|}} {y}", "bitwise_or"


@register
class BitwiseXor(Bitwise):
    """The bits that exactly one of both has. 1100, 1010 -> 0110."""

    latex, ufunc = r"{x} \oplus {y}", "bitwise_xor"


@register
class LeftShift(Bitwise):
    """The bits moved y places up: x 2**y, without the bits that leave the type."""

    latex, ufunc, booleans = r"{x} \ll {y}", "left_shift", False


@register
class RightShift(Bitwise):
    """The bits moved y places down: x / 2**y rounded down."""

    latex, ufunc, booleans = r"{x} \gg {y}", "right_shift", False


@register
class BitwiseNot(Elementwise):
    """Every bit turned round: -x - 1 for signed numbers, `not x` for booleans."""

    latex, ufunc = r"\mathord{{\sim}} {x}", "invert"
    jvp = None  # type: ignore[assignment]

    def infer(self, x: TensorType) -> TensorType:
        _whole(self.name, x)
        return x

    def samples(self) -> Iterator[Sample]:
        yield Sample([np.array([0, 5, -3])], {}, np.array([-1, -6, 2]), False)
        yield Sample([np.array([0, 5], np.uint8)], {}, np.array([255, 250], np.uint8), False)
        yield Sample([np.array([True, False])], {}, np.array([False, True]), False)
