"""NumPy kernels of operators on whole arrays: products, reductions, joining, copying."""

from __future__ import annotations

from functools import partial
from math import prod

import numpy as np

from graphflow.backends.base import Factory, Kernel, Operand, Portable
from graphflow.ir.graph import Node
from graphflow.ops.arguments import replaced
from graphflow.ops.coordinates import write_at
from graphflow.ops.op import Array
from graphflow.ops.positions import out_of_range
from graphflow.ops.slicing import Index, python_index


def _matmul(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    """One product; a batch of rows times one matrix is a single larger product."""
    (target,), (x, y) = out, inputs
    assert isinstance(x, Array) and isinstance(y, Array)
    if y.ndim == 2 and x.ndim > 2 and x.flags.c_contiguous and x.size and y.size:
        rows = x.reshape(-1, x.shape[-1])
        return partial(np.matmul, rows, y, out=target.reshape(-1, y.shape[1]))
    return partial(np.matmul, x, y, out=target)


def _reducing(function: np.ufunc) -> Portable:
    """The factory of a reduction by one universal function."""

    def make(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
        (target,), (x,) = out, inputs
        axis: tuple[int, ...] = node.attr("axis")  # type: ignore[assignment]
        keepdims = bool(node.attr("keepdims"))
        return partial(
            function.reduce, x, axis=axis, dtype=target.dtype, out=target, keepdims=keepdims
        )

    return make


def _mean(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """The sum divided by the count. The portable forward sums half precision wider, and knows
    what the mean of nothing is.
    """
    (target,), (x,) = out, inputs
    axis: tuple[int, ...] = node.attr("axis")  # type: ignore[assignment]
    if target.dtype == np.float16 or not isinstance(x, Array) or 0 in (x.shape[a] for a in axis):
        return None
    total = _reducing(np.add)(node, out, inputs)
    count = np.asarray(prod(x.shape[a] for a in axis), target.dtype)

    def run() -> None:
        total()
        np.divide(target, count, out=target)

    return run


def _concat(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    return partial(np.concatenate, inputs, axis=node.attr("axis"), out=out[0])


def _stack(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    return partial(np.stack, inputs, axis=node.attr("axis"), out=out[0])


def _unslice(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    """Zeros, and the operand written into a view of them."""
    (target,), (x,) = out, inputs
    index: Index = node.attr("index")  # type: ignore[assignment]
    part = target[(*python_index(index), ...)]

    def run() -> None:
        target.fill(0)
        np.copyto(part, x)

    return run


def _scatter_nd(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    """Numbers written into the result: x itself, or a copy of it."""
    (target,), (x, indices, updates) = out, inputs
    assert isinstance(x, Array) and isinstance(indices, Array) and isinstance(updates, Array)
    if not target.flags.c_contiguous:
        return None
    reduce, batch_dims = str(node.attr("reduce")), node.attr("batch_dims")
    assert isinstance(batch_dims, int)
    write = partial(write_at, np, target, indices, updates, reduce=reduce, batch_dims=batch_dims)
    if np.may_share_memory(target, x):
        return write

    def run() -> None:
        np.copyto(target, x)
        write()

    return run


def _take(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    """NumPy refuses positions that an axis has not; the portable forward looks at them first."""
    (target,), (x, indices) = out, inputs
    axis, negative = node.attr("axis"), bool(node.attr("negative"))
    assert isinstance(x, Array) and isinstance(indices, Array) and isinstance(axis, int)
    size = x.shape[axis]
    if node.op == "take":
        taken = partial(np.take, x, indices, axis)
    else:
        part = tuple(map(slice, replaced(indices.shape, axis, size)))
        taken = partial(np.take_along_axis, x[part], indices, axis)

    def run() -> None:
        if not negative and (indices < 0).any():
            out_of_range(indices, size, negative)
        try:
            np.copyto(target, taken())
        except IndexError:
            out_of_range(indices, size, negative)

    return run


def _reshape(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    """A reshape that is no view: the operand copied row by row."""
    (target,), (x,) = out, inputs
    assert isinstance(x, Array)
    return partial(np.copyto, target.reshape(x.shape), x)


ARRAYS: dict[str, Factory] = {
    "matmul": _matmul,
    "sum": _reducing(np.add),
    "prod": _reducing(np.multiply),
    "max": _reducing(np.maximum),
    "min": _reducing(np.minimum),
    "any": _reducing(np.logical_or),
    "all": _reducing(np.logical_and),
    "mean": _mean,
    "concat": _concat,
    "stack": _stack,
    "unslice": _unslice,
    "reshape": _reshape,
    "take": _take,
    "take_along_axis": _take,
    "scatter_nd": _scatter_nd,
}
