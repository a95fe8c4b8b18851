"""Bases of operators that are linear in an operand: their tangent is the operator of a tangent."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import ValueType
from graphflow.ops.builder import F, Value
from graphflow.ops.op import Op


class Linear(Op):
    """Linear in its first operand; the others (positions, masks) carry no derivative."""

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value | None],
        **attrs: Attr,
    ) -> Value | None:
        if tangents[0] is None:
            return None
        return getattr(F, self.name)(tangents[0], *inputs[1:], **attrs)


class Moving(Linear):
    """Moves numbers without computing: no floating point operations."""

    family = "shape"

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 0


class Multilinear(Op):
    """Linear in each operand: d f(x, y) = f(dx, y) + f(x, dy)."""

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value | None],
        **attrs: Attr,
    ) -> Value | None:
        total: Value | None = None
        for i, tangent in enumerate(tangents):
            if tangent is not None:
                operands = (*inputs[:i], tangent, *inputs[i + 1 :])
                part: Value = getattr(F, self.name)(*operands, **attrs)
                total = part if total is None else total + part
        return total
