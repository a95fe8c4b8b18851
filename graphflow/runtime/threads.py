"""How many threads BLAS may use: one where more get in the way."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from graphflow.backends.sets import KernelSet, KernelsName
from graphflow.ir.graph import Graph
from graphflow.runtime.work import has_larger

if TYPE_CHECKING:
    from threadpoolctl import LibController

SMALL = 50_000_000
"""Floating point operations of the largest node up to which one thread is faster or as fast."""
SHARED = 500_000
"""Operations of a product up to which BLAS itself keeps to one thread."""


class OneThread:
    """Inside this block BLAS runs on one thread. Costs a microsecond where it does so anyway."""

    def __init__(self, kernels: KernelsName) -> None:
        self._libraries = _libraries(kernels)
        self._before: list[tuple[LibController, int]] = []

    def __enter__(self) -> None:
        found = [(library, library.num_threads) for library in self._libraries]
        self._before = [(library, threads) for library, threads in found if threads > 1]
        for library, _ in self._before:
            library.set_num_threads(1)

    def __exit__(self, *raised: object) -> None:
        for library, threads in self._before:
            library.set_num_threads(threads)


@cache
def _libraries(kernels: KernelsName) -> list[LibController]:
    """The libraries for linear algebra that are loaded, now that these kernels are."""
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def blas_threads_for(graphs: Iterable[Graph]) -> AbstractContextManager[None]:
    """Inside this block BLAS runs on one thread if the heaviest operation is small."""
    return nullcontext() if has_larger(graphs, SMALL) else OneThread("numpy")


def blas_threads_beside(kernels: KernelSet, graph: Graph) -> AbstractContextManager[None]:
    """Inside this block BLAS runs on one thread if kernels have threads of their own: two pools of
    threads on the same cores take each other's time.
    """
    shared = kernels.threads and has_larger([graph], SHARED)
    return OneThread(kernels.name) if shared else nullcontext()
