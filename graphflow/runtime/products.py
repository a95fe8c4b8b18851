"""Which nodes of a graph are products that cuBLASLt computes on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from graphflow.backends.cublas import Product, affine, product
from graphflow.backends.cuda.arrays import lying
from graphflow.backends.described import Tensor
from graphflow.ir.graph import Graph, Node
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array

PRODUCTS = ("matmul", "affine")


def products(
    graph: Graph, seen: Mapping[str, Computed], tf32: bool = False
) -> dict[str, Product]:
    """The products of a graph whose values lie like those ``seen``."""
    found: dict[str, Product] = {}
    for node in graph:
        if node.op in PRODUCTS:
            *operands, result = (_array(seen[name]) for name in (*node.inputs, node.name))
            one = product_of(node, operands, (result,), tf32)
            if one is not None:
                found[node.name] = one
    return found


def product_of(
    node: Node, operands: Sequence[Array], results: Sequence[Array], tf32: bool
) -> Product | None:
    """A node on arrays that lie like these; None for what is no row of products of matrices."""
    lie = [Tensor(str(x.dtype), x.shape, lying(x)) for x in (*operands, *results)]
    if node.op == "matmul":
        x, y, z = lie
        return product(x, y, z, tf32)
    x, y, bias, z = lie
    return affine(x, y, bias, z, bool(node.attr("relu")), tf32)


def _array(x: Computed) -> Array:
    assert isinstance(x, np.ndarray)
    return x
