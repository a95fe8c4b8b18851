"""Which nodes of a graph are products that cuBLASLt computes on a device."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from graphflow.backends.cublas import Product, affine, product
from graphflow.backends.cuda.arrays import lying
from graphflow.backends.cupy import Calls, Computes
from graphflow.backends.described import Refused, Tensor
from graphflow.ir.graph import Graph, Node
from graphflow.ops.evaluate import Computed


def products(
    graph: Graph, seen: Mapping[str, Computed], tf32: bool = False
) -> dict[str, Product]:
    """The products of a graph whose values lie like those ``seen``."""
    found: dict[str, Product] = {}
    for node in graph:
        if node.op in ("matmul", "affine"):
            lie = [_tensor(seen[name]) for name in (*node.inputs, node.name)]
            one = _product(node, lie, tf32)
            if one is not None:
                found[node.name] = one
    return found


def _product(node: Node, lie: Sequence[Tensor], tf32: bool) -> Product | None:
    """A node whose operands and whose result lie so."""
    if node.op == "matmul":
        x, y, z = lie
        return product(x, y, z, tf32)
    x, y, bias, z = lie
    return affine(x, y, bias, z, bool(node.attr("relu")), tf32)


def multiplying(
    wanted: Mapping[str, Product], cublas: Calls[Product] | Refused
) -> dict[str, Computes]:
    """What computes these products. It warns of those that CuPy computes instead."""
    found: dict[str, Computes] = {}
    refused: dict[str, list[str]] = {}
    for name, one in wanted.items():
        made = _made(one, cublas)
        if isinstance(made, Refused):
            refused.setdefault(made.why, []).append(name)
        else:
            found[name] = made
    for why, names in refused.items():
        warnings.warn(
            f"computed by cupy, since cuBLASLt {why}: {', '.join(names)}", stacklevel=2
        )
    return found


def _made(one: Product, cublas: Calls[Product] | Refused) -> Computes | Refused:
    if isinstance(cublas, Refused):
        return cublas
    return cublas.calling(one, one.operands, one.results)


def _tensor(x: Computed) -> Tensor:
    assert isinstance(x, np.ndarray)
    return Tensor(str(x.dtype), x.shape, lying(x))
