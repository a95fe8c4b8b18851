"""Nodes that are products of matrices."""

from __future__ import annotations

from collections.abc import Mapping

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.backends.numba_kernels.gemm import product
from graphflow.ir.graph import Node
from graphflow.ops.op import Array


def _matmul(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel | None:
    x, y = inputs
    assert isinstance(x, Array) and isinstance(y, Array)
    return product(x, y, out[0])


PRODUCTS: Mapping[str, Factory] = {"matmul": _matmul}
