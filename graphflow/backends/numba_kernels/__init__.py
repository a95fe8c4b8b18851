"""Compiled kernels: loops on Numba's threads, and products of matrices by BLAS inside them.

What has no rule here is computed as NumPy's backend does. How kernels are compiled is told in
:mod:`graphflow.backends.llvm`; loops for groups of elementwise nodes are in :mod:`fused`.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphflow.backends.base import Backend
from graphflow.backends.elements.tracing import has_loop as fuses
from graphflow.backends.llvm.launch import walked
from graphflow.backends.numba_kernels.convolution import convolutions
from graphflow.backends.numba_kernels.fused.loops import LOOPS
from graphflow.backends.numba_kernels.gathers import GATHERS
from graphflow.backends.numba_kernels.gemm import product
from graphflow.backends.numba_kernels.joining import JOINING, copied
from graphflow.backends.numba_kernels.layout import image_orders
from graphflow.backends.numba_kernels.panels import by_panels, panel_width
from graphflow.backends.numba_kernels.pooling import POOLING
from graphflow.backends.numba_kernels.products import product_orders, product_rules
from graphflow.backends.numpy_backend import NUMPY
from graphflow.ir.graph import Graph

__all__ = ["EXACT", "NUMBA", "chosen_orders", "fuses", "panel_width"]

RULES = {**product_rules(product), **POOLING, **JOINING, **GATHERS, **LOOPS}
NUMBA = Backend("numba", NUMPY, {**RULES, **convolutions(exact=False)}, joined=walked, copy=copied)
EXACT = Backend("numba", NUMPY, {**RULES, **convolutions(exact=True)}, joined=walked, copy=copied)
"""Convolutions without Winograd's algorithm."""
for _backend in (NUMBA, EXACT):
    _backend.register("matmul")(by_panels)  # asked before BLAS


def chosen_orders(graph: Graph) -> Mapping[str, tuple[int, ...]]:
    """Which values do not lie row by row."""
    return {**product_orders(graph), **image_orders(graph)}
