"""A product, a bias and a ReLU as one node: what a device's library computes in one call."""

from __future__ import annotations

from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import operand
from graphflow.ops.op import Array, Namespace, Op, get_op, register


@register
class Affine(Op):
    """x y + b, and with ``relu`` max(x y + b, 0).

    x (..., M, K) and the matrix y (K, N) multiply as in matmul; the bias b (N) is added to each
    row. Written by a pass of plans for devices, never by a person.
    """

    family = "control"
    latex = r"{x}{y} + {bias}"
    arguments, waits = (), True

    def infer(self, x: TensorType, y: TensorType, bias: TensorType, *, relu: bool) -> ValueType:
        return get_op("matmul").infer(x, y)

    def forward(self, xp: Namespace, x: Array, y: Array, bias: Array, *, relu: bool) -> Array:
        found: Array = xp.matmul(x, y) + bias
        return xp.maximum(found, 0) if relu else found

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 2 * operand([out]).size * (operand(types).shape[-1] + 1)
