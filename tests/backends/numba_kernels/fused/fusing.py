"""Graphs of one fused node, run by loops and by the node's own forward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.backends.numba_kernels import NUMBA, fuses
from graphflow.ir.types import TensorType, dtype_named, tensors
from graphflow.ops import Builder, Value
from graphflow.ops.evaluate import run_node
from graphflow.passes import fuse
from graphflow.schedule.views import Order, as_ordered


def inputs(*arrays: np.ndarray) -> list[Value]:
    """An input of a new graph for each array."""
    b = Builder()
    return [b.input(f"x{i}", type_of(x)) for i, x in enumerate(arrays)]


def type_of(x: np.ndarray) -> TensorType:
    dtype = dtype_named(x.dtype.name)
    assert dtype is not None
    return TensorType(dtype, x.shape)


def results(
    values: Sequence[Value],
    arrays: Sequence[np.ndarray],
    order: Order | None = None,
    over: int | None = None,
) -> list[np.ndarray]:
    """The values by fused loops, one node for all; they agree with what the node stands for.

    ``order``: how the results lie in memory. ``over``: the operand that the first result is
    written over.
    """
    graph = fuse(values[0].builder.graph([v.name for v in values]), fuses)
    (node,) = (n for n in graph if n.op == "fused")
    given = {f"x{i}": x for i, x in enumerate(arrays)}
    given |= {n.name: np.asarray(run_node(n, [])) for n in graph if n.op == "constant"}
    operands = [given[name] for name in node.inputs]
    out = [np.empty(t.shape, t.dtype.value) for t in tensors(node.type)]
    if order is not None:
        out = [as_ordered(x, order) if x.ndim == len(order) else x for x in out]
    expected = run_node(node, operands)
    expected = expected if isinstance(expected, tuple) else (expected,)
    if over is not None:
        out[0] = given[f"x{over}"]
    bound = NUMBA.bound(node, tuple(out), operands)
    assert bound.by == "numba"
    bound.run()
    for got, wanted in zip(out, expected, strict=True):
        close(got, wanted)
    outputs = node.attr("body").outputs  # type: ignore[union-attr]
    return [out[outputs.index(v.name)] for v in values]


def close(got: np.ndarray, wanted: np.ndarray) -> None:
    """Equal to rounding: of sums in another order, and of functions to a few ulps."""
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, wanted)
        return
    bound = {"float32": 1e-5, "float64": 1e-13}[got.dtype.name]
    finite = wanted[np.isfinite(wanted)]
    scale = float(np.max(np.abs(finite))) if finite.size else 1.0
    np.testing.assert_allclose(got, wanted, rtol=bound, atol=bound * scale)
