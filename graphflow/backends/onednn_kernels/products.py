"""Large products of matrices, and of batches of them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from graphflow.backends.numba_kernels.gemm import arranged
from graphflow.backends.onednn_kernels.library import engine
from graphflow.backends.onednn_kernels.primitives import (
    SCALE,
    SCRATCH,
    SCRATCHPAD,
    SOURCE,
    TARGET,
    WEIGHTS,
    Attributes,
    Description,
    Layout,
    Memory,
    Step,
    kernel,
    made_for_threads,
)
from graphflow.ops.op import Array

LARGE = 50_000_000
"""Multiplications from which oneDNN is as fast as BLAS in Numba's threads, or faster."""
MATRIX = 1_000_000
"""Multiplications that each matrix of a batch takes, where that holds."""


def product(
    x: Array, y: Array, out: Array, alpha: Array | None = None, beta: float = 0.0
) -> Callable[[], None] | None:
    """Computes out = alpha x y + beta out, beta 0 or 1, as NumPy's matmul does; None where others
    are faster. ``alpha`` (1 where there is none) is read when the product runs.
    """
    found = arranged(x, y, out) if out.dtype == np.float32 else None
    if found is None or not _large(*found):
        return None
    return bound(*found, alpha, adds=beta != 0)


def _large(x: Array, y: Array, out: Array) -> bool:
    """Whether a product is more work than Numba's threads are best at."""
    each = int(out.shape[-2] * out.shape[-1] * x.shape[-1])
    return each >= MATRIX and each * prod(out.shape[:-2]) >= LARGE


def bound(
    x: Array, y: Array, out: Array, alpha: Array | None = None, adds: bool = False
) -> Callable[[], None] | None:
    """What makes out = alpha x y, or adds that to it, of matrices with gaps between rows or columns
    but none within; None where oneDNN has its reference implementation alone, which is slow.
    """
    arrays = {SOURCE: x, WEIGHTS: y, TARGET: out}
    wide = {part: a[(None,) * (out.ndim - a.ndim)] for part, a in arrays.items()}
    layouts = {part: Layout.of(a) for part, a in wide.items()}
    with made_for_threads() as threads:
        attributes = Attributes(adds, None if alpha is None else WEIGHTS)
        chosen = Description(
            "matmul", engine(), layouts[SOURCE], layouts[WEIGHTS], None, layouts[TARGET], attributes
        )
        if chosen.slow:
            return None
        arguments = {part: Memory(layouts[part], a) for part, a in wide.items()}
        if alpha is not None:
            number = alpha.reshape(1)
            arguments[WEIGHTS + SCALE] = Memory(Layout.of(number), number)
        (arguments[SCRATCHPAD],) = SCRATCH.memories([chosen.layout(SCRATCHPAD)])
        return kernel([Step(chosen, arguments)], threads)
