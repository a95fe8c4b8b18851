"""Views: values that are another value's memory seen differently.

Whether a reshape can be a view depends on strides alone, so it is decided before any memory exists:
a *stand-in* is an array of the right shape and strides that owns one element. :func:`view` gives
the same answer for a stand-in as for the real array it stands for, so the executor uses it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from itertools import accumulate
from math import prod
from operator import mul
from types import SimpleNamespace
from typing import TypeGuard

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphflow.ir.graph import Node
from graphflow.ir.types import TensorType, TupleType, ValueType
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array, Namespace, get_op
from graphflow.ops.slicing import Index, python_index

Strides = tuple[int, ...]
Order = tuple[int, ...]
"""The axes of an array from the outermost to the innermost in memory: (0, 2, 3, 1) is an image
with its channels last."""
UNIFORM = frozenset({"full", "zeros", "ones"})
"""Creators of arrays of one number: one element of memory, seen with strides of zero."""


class NotAView(Exception):
    """The elements do not lie in memory in a way that the wanted shape could see."""


def view(node: Node, operand: Computed, xp: Namespace = np) -> Computed | None:
    """The result of ``node`` as a view of its operand, an array of ``xp``, or None where it is not
    one.
    """
    op = get_op(node.op)
    if not op.view:
        return None
    if node.op == "slice":  # with an ellipsis, a single element too is a view and not a number
        index: Index = node.attr("index")  # type: ignore[assignment]
        return operand[(*python_index(index), ...)]  # type: ignore[call-overload]
    try:
        seen = op.forward(_viewing(xp), operand, **node.attributes())
    except NotAView:
        return None
    return None if isinstance(seen, np.generic) else seen  # a number of no axes is a copy


def stand_in(type: ValueType, order: Order | None = None) -> Computed:
    """A value's shape and strides, laid out row by row or, those of its rank, in another order of
    axes, without its memory.
    """
    if isinstance(type, TupleType):
        return tuple(_ordered_stand_in(t, order) for t in type.items)
    return _ordered_stand_in(type, order)


def _ordered_stand_in(type: TensorType, order: Order | None) -> Array:
    rows = _stand_in(type)
    return as_ordered(rows, order) if applies(order, type) else rows


def applies(order: Order | None, type: TensorType) -> TypeGuard[Order]:
    """Whether an order that was chosen for a node is one for this of its results: by its rank."""
    return order is not None and len(order) == type.ndim


def uniform_stand_in(type: TensorType) -> Array:
    """The stand-in of an array of one number."""
    return np.broadcast_to(np.empty((), type.dtype.value), concrete_shape(type))


def concrete_shape(type: TensorType) -> tuple[int, ...]:
    """The shape of a type without symbols."""
    assert all(isinstance(d, int) for d in type.shape), f"{type} is not concrete"
    return type.shape  # type: ignore[return-value]


def nbytes(type: TensorType) -> int:
    """Bytes of a tensor of concrete shape."""
    return prod(concrete_shape(type)) * type.dtype.itemsize


def reshaped(x: Array, shape: Sequence[int], xp: Namespace = np) -> Array:
    """``x`` in another shape without a copy; :class:`NotAView` where that cannot be."""
    strides = reshaped_strides(x.shape, x.strides, shape, x.itemsize)
    if strides is None:
        raise NotAView
    found: Array = xp.lib.stride_tricks.as_strided(x, tuple(shape), strides)
    return found


def reshaped_strides(
    shape: Sequence[int], strides: Sequence[int], wanted: Sequence[int], itemsize: int
) -> Strides | None:
    """The strides that see the same elements in the shape ``wanted``, or None.

    Axes that follow each other in memory form a run; each wanted axis must lie within one run.

    >>> reshaped_strides((2, 3), (12, 4), (6,), 4), reshaped_strides((3, 2), (4, 12), (6,), 4)
    ((4,), None)
    """
    if 0 in shape:
        return row_strides(wanted, itemsize)
    runs: list[tuple[int, int]] = []
    for n, stride in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * stride:
            runs[-1] = runs[-1][0] * n, stride
        else:
            runs.append((n, stride))
    count, stride = 1, itemsize
    found = []
    for n in reversed(wanted):
        if n != 1 and count == 1:
            count, stride = runs.pop()
        if count % n:
            return None
        found.append(stride)
        count //= n
        stride *= n
    return tuple(reversed(found))


def row_strides(shape: Sequence[int], itemsize: int) -> Strides:
    """The strides of an array laid out row by row."""
    steps = [*accumulate(reversed(shape), mul, initial=itemsize)]
    return tuple(reversed(steps[:-1]))


def as_ordered(rows: Array, order: Order) -> Array:
    """Memory that holds an array row by row, seen with its axes in another order, outermost first.

    >>> as_ordered(np.arange(6).reshape(2, 3), (1, 0))
    array([[0, 2, 4],
           [1, 3, 5]])
    """
    shape = rows.shape
    whole = as_strided(rows, (rows.size,), (rows.itemsize,))
    strides = row_strides([shape[axis] for axis in order], rows.itemsize)
    back = sorted(range(len(order)), key=order.__getitem__)
    return as_strided(whole, shape, tuple(strides[at] for at in back))


@cache
def _stand_in(type: TensorType) -> Array:
    element = np.empty(1, type.dtype.value)
    shape = concrete_shape(type)
    return as_strided(element, shape, row_strides(shape, element.itemsize))


@cache
def _viewing(xp: Namespace) -> SimpleNamespace:
    """The functions on arrays that never copy."""
    names = ("transpose", "broadcast_to", "expand_dims", "squeeze", "flip", "split")
    functions = {name: getattr(xp, name) for name in names}
    return SimpleNamespace(reshape=partial(reshaped, xp=xp), **functions)
