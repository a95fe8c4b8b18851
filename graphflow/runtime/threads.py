"""How many threads BLAS may use: one where the matrices are small, since more get in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from graphflow.backends.sets import KernelsName, kernel_set
from graphflow.ir.graph import Graph
from graphflow.runtime.work import largest_operation

SMALL = 50_000_000
"""Floating point operations of the largest node up to which one thread is faster or as fast."""


@contextmanager
def blas_threads_for(graphs: Iterable[Graph], kernels: KernelsName = "numpy") -> Iterator[None]:
    """Inside this block BLAS runs on one thread if the heaviest operation is small, or if kernels
    have threads of their own: two pools of threads on the same cores take each other's time.
    """
    if largest_operation(graphs) > SMALL and not kernel_set(kernels).threads:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
