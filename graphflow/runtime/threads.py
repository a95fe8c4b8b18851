"""How many threads BLAS may use: one where the matrices are small, since more get in the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from graphflow.backends.sets import kernel_set
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Graph
from graphflow.ops.op import get_op

SMALL = 50_000_000
"""Floating point operations of the largest node up to which one thread is faster or as fast."""


def largest_operation(graph: Graph) -> int:
    """The floating point operations of the heaviest node of a specialised graph."""
    largest = 0
    for node in graph:
        types = [graph.nodes[name].type for name in node.inputs]
        cost: Dim = get_op(node.op).flops(node.type, *types, **node.attributes())
        inner = max(map(largest_operation, node.regions), default=0)
        largest = max(largest, inner if node.regions else int(cost))  # type: ignore[arg-type]
    return largest


@contextmanager
def blas_threads_for(flops: int, kernels: str = "numpy") -> Iterator[None]:
    """Inside this block BLAS runs on one thread if the heaviest operation is small, or if kernels
    have threads of their own: two pools of threads on the same cores take each other's time.
    """
    if flops > SMALL and not kernel_set(kernels).threads:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
