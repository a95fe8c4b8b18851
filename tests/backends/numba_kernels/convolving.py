"""Convolutions by a backend and by the operators' portable forward in float64."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from graphflow.backends.base import Backend
from graphflow.backends.numba_kernels import NUMBA
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import get_op
from graphflow.schedule.views import as_ordered

BOUND = {"float32": 4e-6, "float64": 1e-14}
"""Of Winograd's algorithm: |error| / |value| in the Euclidean norm over the whole result."""
ROUNDING = {"float32": 1e-6, "float64": 2e-15}
"""Of the others."""
ROWS = (0, 1, 2, 3)
BASE: Mapping = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def drawn(
    shape: tuple[int, ...], dtype: str, order: Sequence[int] = ROWS, seed: int = 0
) -> np.ndarray:
    """Random numbers that lie in an order of axes, if it is one of theirs."""
    out = _lying(np.empty(shape, dtype), order)
    out[...] = np.random.default_rng(seed).standard_normal(shape)
    return out


def _lying(array: np.ndarray, order: Sequence[int]) -> np.ndarray:
    return as_ordered(array, tuple(order)) if array.ndim == len(order) else array


def computed(
    op: str, operands: Sequence[np.ndarray], order: Sequence[int] = ROWS,
    backend: Backend = NUMBA, **attrs,
) -> tuple[np.ndarray, np.ndarray, str]:  # fmt: skip
    """The result by a backend, by the portable forward in float64, and who computed it."""
    types = [TensorType(DType(str(x.dtype)), x.shape) for x in operands]
    complete = get_op(op).canonical(types, attrs)
    type = get_op(op).infer(*types, **complete)
    node = Node(op, ("x", "y"), tuple(complete.items()), type, "out")
    out = _lying(np.full(type.shape, np.nan, operands[0].dtype), order)
    bound = backend.bound(node, (out,), tuple(operands))
    bound.run()
    expected = get_op(op).forward(np, *(x.astype(np.float64) for x in operands), **complete)
    return out, expected, bound.by


def error(found: np.ndarray, expected: np.ndarray) -> float:
    """|error| / |value| in the Euclidean norm over the whole result."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def three_sides(
    x: np.ndarray, weight: np.ndarray, order: Sequence[int], backend: Backend = NUMBA, **given
) -> Iterator[tuple[str, np.ndarray, np.ndarray, str]]:
    """A convolution, its adjoint and its derivative by the weight, of the same window."""
    attrs, rank = {**BASE, **given}, x.ndim - 2
    y, *rest = computed("conv", (x, weight), order, backend, **attrs)
    yield "conv", y, *rest
    g = drawn(y.shape, str(y.dtype), order, seed=1)
    padding = attrs["padding"]
    windows = [
        n + sum(np.broadcast_to(p, 2)) - d * (k - 1) - 1 - (m - 1) * s
        for n, m, k, p, s, d in zip(
            x.shape[2:], y.shape[2:], weight.shape[2:],
            padding if isinstance(padding, tuple) else [padding] * rank,
            np.broadcast_to(attrs["stride"], rank), np.broadcast_to(attrs["dilation"], rank),
            strict=True,
        )
    ]  # fmt: skip
    back = {**attrs, "output_padding": tuple(int(n) for n in windows)}
    yield "conv_transpose", *computed("conv_transpose", (g, weight), order, backend, **back)
    attrs["kernel"] = weight.shape[2:]
    yield "conv_weight_grad", *computed("conv_weight_grad", (x, g), ROWS, backend, **attrs)
