"""Nodes that are products of matrices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import numpy as np

from graphflow.backends.base import Factory, Kernel, Operand
from graphflow.ir.graph import Graph, Node
from graphflow.ops.op import Array
from graphflow.ops.rearrange import layout_of

Order = tuple[int, ...]


class Product(Protocol):
    """Binds out = alpha x y + beta out, beta 0 or 1; None where it cannot."""

    def __call__(
        self, x: Array, y: Array, out: Array, alpha: Array | None = None, beta: float = 0.0
    ) -> Kernel | None: ...


def product_rules(product: Product) -> Mapping[str, Factory]:
    """The rules of the operators that are products, by what binds one."""
    return {"matmul": partial(_matmul, product), "addmm": partial(_addmm, product)}


def _matmul(
    product: Product, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Kernel | None:
    x, y = inputs
    assert isinstance(x, Array) and isinstance(y, Array)
    return product(x, y, out[0])


def _addmm(
    product: Product, node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]
) -> Kernel | None:
    """The product added to the input, in its own memory or in a copy of it."""
    (target,), (start, x, y, alpha) = out, inputs
    assert all(isinstance(operand, Array) for operand in inputs)
    add = product(x, y, target, alpha, beta=1.0)  # type: ignore[arg-type]
    if add is None or np.may_share_memory(target, start):
        return add

    def run() -> None:
        np.copyto(target, start)
        add()

    return run


def product_orders(graph: Graph) -> dict[str, Order]:
    """Products that are only read with their axes in another order lie in that order in memory.

    BLAS writes rows or columns, and each matrix of a batch where it is told to: the gradient of a
    transposed weight, or the heads of an attention side by side, then need no copy.
    """
    found = {}
    for node in graph:
        if node.op == "matmul":
            order = _read_order(graph, node)
            inner = order[-1:] and order[-1] >= node.tensor.ndim - 2
            if inner and order != tuple(range(node.tensor.ndim)):
                found[node.name] = order
    return found


def _read_order(graph: Graph, node: Node) -> Order:
    """The axes of a node in the order in which its readers see them, along transposes."""
    order = tuple(range(node.tensor.ndim))
    while (step := _only_step(graph, node)) is not None:
        node, axes = step
        order = tuple(order[axis] for axis in axes)
        if node.tensor.ndim != len(order):
            break
    return order


def _only_step(graph: Graph, node: Node) -> tuple[Node, Order] | None:
    """The one node that reads another, if it only changes the order of axes, and merges some."""
    readers = set(graph.consumers[node.name])
    if len(readers) != 1 or node.name in graph.outputs:
        return None
    reader = graph.nodes[readers.pop()]
    if reader.op == "transpose":
        return reader, reader.attr("axes")  # type: ignore[return-value]
    if reader.op == "rearrange":
        layout = layout_of(node.tensor.shape, reader.attr("pattern"), reader.attr("sizes"))  # type: ignore[arg-type]
        if layout.parts == node.tensor.shape:
            return reader, layout.order
    return None
