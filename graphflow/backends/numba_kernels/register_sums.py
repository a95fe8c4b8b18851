"""Sums of products that stay in registers: convolutions of many images at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from graphflow.backends.numba_kernels.jit import intrinsic
from graphflow.backends.numba_kernels.lanes import LANES, loaded, number_at, repeated, vector_at

OUTPUTS = 8
"""Channels of a result whose sums are in registers at a time."""
SQUARE = 4
"""Channels, and taps, whose products are summed at a time in the derivative by the weight."""
FUSED = ("contract",)
"""A product and a sum may be one instruction."""
INDEX = ir.IntType(64)
Terms = Callable[[Any], list[tuple[Any, Any]]]


class _Code:
    """The instructions of an intrinsic, and its arguments: numbers and flat arrays."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.kinds, self.arguments = signature.args, arguments

    def number(self, k: int, index: Any) -> Any:
        """A number of the flat array that is argument k."""
        return loaded(self.builder, number_at(*self._memory(k), index))

    def vector(self, k: int, index: Any) -> Any:
        """``LANES`` numbers of it."""
        return loaded(self.builder, vector_at(*self._memory(k), index))

    def plus(self, *terms: Any) -> Any:
        """The sum of indices."""
        first, *others = terms
        for other in others:
            first = self.builder.add(first, other)
        return first

    def sums(self, number: int, count: Any, terms: Terms) -> Any:
        """Write the sums of each of the ``number`` products ``terms(i)`` over i < count one after
        another into the flat array that is the first argument.
        """
        builder = self.builder
        vector = ir.VectorType(self.context.get_data_type(self.kinds[0].dtype), LANES)
        totals = [cgutils.alloca_once(builder, vector) for _ in range(number)]
        for total in totals:
            builder.store(vector(None), total)
        with cgutils.for_range(builder, count) as loop:
            for (x, y), total in zip(terms(loop.index), totals, strict=True):
                xy = builder.fmul(x, y, flags=FUSED)
                builder.store(builder.fadd(builder.load(total), xy, flags=FUSED), total)
        for k, total in enumerate(totals):
            pointer, size = vector_at(*self._memory(0), INDEX(k * LANES))
            builder.store(builder.load(total), pointer).align = size
        return self.context.get_dummy_value()

    def _memory(self, k: int) -> tuple[Any, Any, Any, Any]:
        return self.context, self.builder, self.kinds[k], self.arguments[k]


@intrinsic
def meet(typing, room, x, at, taps, count, weights, first):  # type: ignore[no-untyped-def]
    """``room[o * LANES + l] = sum of weights[b + first + o] * x[a + at + l]`` over the first
    ``count`` pairs (a, b) of ``taps``, for o < ``OUTPUTS``.
    """

    def generate(*given: Any) -> Any:
        code = _Code(*given)
        _, _, at, _, count, _, first = code.arguments

        def terms(t: Any) -> list[tuple[Any, Any]]:
            pair = code.plus(t, t)
            pixel = code.vector(1, code.plus(code.number(3, pair), at))
            start = code.plus(code.number(3, code.plus(pair, INDEX(1))), first)
            weights = [code.number(5, code.plus(start, INDEX(o))) for o in range(OUTPUTS)]
            return [(repeated(code.builder, weight), pixel) for weight in weights]

        return code.sums(OUTPUTS, count, terms)

    i = types.int64
    return types.void(room, x, i, taps, i, weights, i), generate


@intrinsic
def correlate(typing, room, x, at, gradient, to, places, count):  # type: ignore[no-untyped-def]
    """``room[(a * SQUARE + b) * LANES + l] = sum of x[at + places[a] + e] * gradient[to +
    places[SQUARE + b] + e]`` over e = l, LANES + l, ... ``count`` of them, for a, b < ``SQUARE``.
    """

    def generate(*given: Any) -> Any:
        code = _Code(*given)
        _, _, at, _, to, _, count = code.arguments
        starts = [
            code.plus(code.number(5, INDEX(k)), at if k < SQUARE else to) for k in range(2 * SQUARE)
        ]

        def terms(e: Any) -> list[tuple[Any, Any]]:
            shift = code.builder.mul(e, INDEX(LANES))
            left = [code.vector(1, code.plus(start, shift)) for start in starts[:SQUARE]]
            right = [code.vector(3, code.plus(start, shift)) for start in starts[SQUARE:]]
            return [(x, y) for x in left for y in right]

        return code.sums(SQUARE * SQUARE, count, terms)

    i = types.int64
    return types.void(room, x, i, gradient, i, places, i), generate
