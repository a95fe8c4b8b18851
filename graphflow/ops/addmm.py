"""A product added to what is there: what BLAS computes in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import BroadcastError, TensorType, ValueType, broadcast
from graphflow.ops.arguments import operand
from graphflow.ops.builder import F, Value, unbroadcast
from graphflow.ops.op import Array, Namespace, Op, Sample, get_op, register


@register
class Addmm(Op):
    """A multiple of a matrix product, added. z = input + alpha x y.

    x and y multiply as in matmul; ``input`` is broadcast to their product, ``alpha`` is one number.
    PyTorch's addmm and baddbmm with beta = 1, and BLAS's gemm. A step of gradient descent on a
    weight is one: w - lr g^T x.
    """

    family, waits = "linalg", True
    latex, retains, promotes = r"{input} + {alpha}\, {x} {y}", ("x", "y", "alpha"), "all"
    in_place = True

    def infer(
        self, input: TensorType, x: TensorType, y: TensorType, alpha: TensorType
    ) -> TensorType:
        product: TensorType = get_op("matmul").infer(x, y)  # type: ignore[assignment]
        if alpha.shape:
            fail("GF030", f"addmm: alpha is one number, not {list(alpha.shape)}")
        try:
            fits = broadcast(input.shape, product.shape) == product.shape
        except BroadcastError:
            fits = False
        if not fits:
            fail("GF030", f"addmm: an input of {list(input.shape)} cannot be broadcast to the "
                 f"product, which is {list(product.shape)}")  # fmt: skip
        return product

    def forward(self, xp: Namespace, input: Array, x: Array, y: Array, alpha: Array) -> Array:
        return input + alpha * xp.matmul(x, y)

    def vjp(
        self, g: Value, out: Value, input: Value, x: Value, y: Value, alpha: Value
    ) -> Sequence[Value | None]:
        product = x @ y
        rule = get_op("matmul").vjp
        assert rule is not None
        return (
            unbroadcast(g, input.tensor),
            *rule(g * alpha, product, x, y),
            F.sum(g * product),
        )

    def jvp(
        self,
        out: Value,
        inputs: Sequence[Value],
        tangents: Sequence[Value | None],
        **attrs: Attr,
    ) -> Value | None:
        _, x, y, alpha = inputs
        of_input, of_x, of_y, of_alpha = tangents
        parts = [
            of_input and F.broadcast_to(of_input, shape=out.shape),
            of_x and alpha * (of_x @ y),
            of_y and alpha * (x @ of_y),
            of_alpha and of_alpha * (x @ y),
        ]
        total: Value | None = None
        for part in parts:
            if part is not None:
                total = part if total is None else total + part
        return total

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 2 * operand([out]).size * (operand(types, 1).shape[-1] + 1)

    def samples(self) -> Iterator[Sample]:
        x, y = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4) - 5
        start, half = np.arange(8.0).reshape(2, 4), np.array(-0.5)
        yield Sample([start, x, y, half], {}, start - x @ y / 2)
        yield Sample([start[0], x, y, half], {}, start[0] - x @ y / 2)
        yield Sample([start[:, 0], x, y[:, 0], half], {}, start[:, 0] - x @ y[:, 0] / 2)
        batch = np.stack([x, x + 1])
        yield Sample([start, batch, y, half], {}, start - batch @ y / 2)
        ones, nothing = np.ones((2, 3)), np.zeros((2, 0))
        yield Sample([ones, nothing, np.zeros((0, 3)), half], {}, ones)
