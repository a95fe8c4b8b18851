"""NumPy kernels of elementwise operators: universal functions that write into the result.

The result may be the memory of an operand (see :class:`graphflow.backends.base.Backend`); universal
functions allow that, the few kernels of several calls here take care of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from graphflow.backends.base import Bound, Factory, Kernel, Operand
from graphflow.ir.graph import Node
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.op import OPS, Array


def _ufunc(function: np.ufunc) -> Factory:
    """The factory of an operator that is one universal function."""

    def make(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
        (target,) = out
        types = tuple(x.dtype for x in inputs)  # type: ignore[union-attr]
        found = function.resolve_dtypes((*types, None))[-1]
        if not np.can_cast(found, target.dtype, "same_kind"):
            return None
        return partial(function, *inputs, out=target)

    return make


def _relu(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    (target,), (x,) = out, inputs
    return partial(np.maximum, x, np.zeros((), target.dtype), out=target)


def _sigmoid(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    """1 / (1 + e**-x) as (1 + tanh(x / 2)) / 2, in the memory of the result."""
    (target,), (x,) = out, inputs
    half = np.asarray(0.5, target.dtype)

    def run() -> None:
        np.multiply(x, half, out=target)
        np.tanh(target, out=target)
        np.multiply(target, half, out=target)
        np.add(target, half, out=target)

    return run


def _where(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """A choice, made on bits and without branches: y ^ ((x ^ y) * condition).

    Much faster than a masked copy where the condition is as good as random, as a rectifier's is.
    """
    (target,), (condition, first, second) = out, inputs
    assert isinstance(condition, Array) and isinstance(first, Array) and isinstance(second, Array)
    over_first, over_second = (np.may_share_memory(target, x) for x in (first, second))
    if target.dtype == np.bool_ or (over_first and over_second):
        return None
    bits = np.dtype(f"i{target.itemsize}")
    x, y, chosen = first.view(bits), second.view(bits), target.view(bits)
    if not over_second:

        def run() -> None:
            np.bitwise_xor(x, y, out=chosen)
            np.multiply(chosen, condition, out=chosen)
            np.bitwise_xor(chosen, y, out=chosen)

        return run

    def replacing() -> None:
        np.bitwise_xor(x, y, out=chosen)
        np.multiply(chosen, ~condition, out=chosen)
        np.bitwise_xor(chosen, x, out=chosen)

    return replacing


def _of_floats(function: np.ufunc) -> Factory:
    """The factory for floats. Integers are left to the operator, which looks at them first."""

    def make(
        node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
    ) -> Kernel | Bound | None:
        return _ufunc(function)(node, out, inputs) if out[0].dtype.kind == "f" else None

    return make


def _cast(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    return partial(np.copyto, out[0], inputs[0], casting="unsafe")


def _universal() -> Iterator[tuple[str, Factory]]:
    """The factories of all operators that name their universal function."""
    for name, op in OPS.items():
        if isinstance(op, Elementwise) and op.ufunc:
            yield name, _ufunc(getattr(np, op.ufunc))


ELEMENTWISE: dict[str, Factory] = {
    **dict(_universal()),
    "pow": _of_floats(np.power),
    "floor_div": _of_floats(np.floor_divide),
    "mod": _of_floats(np.remainder),
    "relu": _relu,
    "sigmoid": _sigmoid,
    "where": _where,
    "cast": _cast,
}
