"""Finding: what is not zero, what is distinct, where a number belongs in a sorted list.

How much is found depends on the numbers, and shapes do not: ``size`` bounds it, and the rest is
filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ops.arguments import choice, number, operand, size, whole
from graphflow.ops.op import Array, Attrs, Namespace, Op, Sample, register


class Search(Op):
    """Base: positions and counts have no derivative."""

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        return 10 * operand(types).size


@register
class Nonzero(Search):
    """The positions of the first ``size`` elements that are not zero: (axes of x, size).

    Row a holds the positions along axis a: of a vector they are ``nonzero(x, size=n)[0]``. Elements
    stand row by row, missing ones have the position ``fill``; sum(x != 0) counts them.
    """

    latex, waits = r"\{{i : {x}_i \ne 0\}}", True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"size": size(attrs["size"], "size"), "fill": whole(attrs["fill"], "fill")}

    def infer(self, x: TensorType, *, size: Dim, fill: int = -1) -> TensorType:
        return TensorType(DType.INT64, (x.ndim, size))

    def forward(self, xp: Namespace, x: Array, *, size: int, fill: int) -> Array:
        out = xp.full((x.ndim, size), fill, np.int64)
        if x.ndim:
            found = xp.stack(xp.nonzero(x))[:, :size]
            out[:, : found.shape[1]] = found
        return out

    def samples(self) -> Iterator[Sample]:
        x = np.array([[0.0, 3.0, 0.0], [-1.0, 0.0, 2.0]])
        yield Sample([x], {"size": 3}, np.array([[0, 1, 1], [1, 0, 2]]), False)
        yield Sample([x], {"size": 4, "fill": 0}, np.array([[0, 1, 1, 0], [1, 0, 2, 0]]), False)
        yield Sample([x[1] > 0], {"size": 2}, np.array([[2, -1]]), False)
        yield Sample([x], {"size": 1}, np.array([[0], [1]]), False)
        yield Sample([np.zeros((0, 2))], {"size": 1}, np.array([[-1], [-1]]), False)


@register
class Unique(Search):
    """The distinct elements of x in rising order: (values, indices, inverse, counts).

    ``indices`` says where each comes first in the flattened array, ``inverse`` which of them each
    element of x is, and ``counts`` how often each occurs. Where fewer than ``size`` are found, the
    rest is ``fill``, -1 and 0; more than ``size`` are an error.
    """

    latex, waits = r"\operatorname{{unique}} {x}", True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        return {"size": size(attrs["size"], "size"), "fill": number(attrs["fill"], "fill")}

    def infer(self, x: TensorType, *, size: Dim, fill: float = 0) -> TupleType:
        found = TensorType(DType.INT64, (size,))
        return TupleType((x.with_shape((size,)), found, x.with_dtype(DType.INT64), found))

    def forward(self, xp: Namespace, x: Array, *, size: int, fill: float) -> tuple[Array, ...]:
        values, first, inverse, counts = xp.unique(x, True, True, True)
        if len(values) > size:
            fail(
                "GF083",
                f"x has {len(values)} distinct elements, but size={size} holds fewer",
                help="unique needs a size that is never exceeded, such as the size of x",
            )
        missing = (0, size - len(values))
        padded = (
            xp.pad(part, missing, constant_values=rest)
            for part, rest in ((values, fill), (first, -1), (counts, 0))
        )
        values, first, counts = padded
        return values, first, inverse.reshape(x.shape), counts

    def samples(self) -> Iterator[Sample]:
        x = np.array([[3.0, 1.0], [3.0, 2.0]])
        found = np.array([1.0, 2.0, 3.0, 0.0]), np.array([1, 3, 0, -1])
        which = np.array([[2, 0], [2, 1]]), np.array([1, 1, 2, 0])
        yield Sample([x], {"size": 4}, (*found, *which), False)
        none = np.zeros(0, np.int64)
        yield Sample([np.zeros(0)], {"size": 0}, (np.zeros(0), none, none, none), False)


@register
class Searchsorted(Search):
    """Where each value belongs in a rising vector: how many of its elements are smaller.

    ``side='right'`` counts equal ones too. Useful for draws, histograms and look-up tables.
    """

    latex = r"|\{{i : {sorted}_i < {values}\}}|"
    promotes = "all"

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        if operand(types).ndim != 1:
            shape = list(operand(types).shape)
            fail("GF030", f"searchsorted looks in one sorted vector, but the shape is {shape}")
        return {"side": choice(attrs["side"], "side", ("left", "right"))}

    def infer(self, sorted: TensorType, values: TensorType, *, side: str = "left") -> TensorType:
        return values.with_dtype(DType.INT64)

    def forward(self, xp: Namespace, sorted: Array, values: Array, *, side: str) -> Array:
        return xp.searchsorted(sorted, values, side)

    def samples(self) -> Iterator[Sample]:
        known, x = np.array([1.0, 3.0, 3.0, 5.0]), np.array([[0.0, 3.0], [4.0, 9.0]])
        yield Sample([known, x], {}, np.array([[0, 1], [3, 4]]), False)
        yield Sample([known, x], {"side": "right"}, np.array([[0, 3], [3, 4]]), False)
        yield Sample([np.zeros(0), x], {}, np.zeros((2, 2)), False)
