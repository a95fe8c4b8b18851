"""Kernels recorded as a CUDA graph, which the GPU then repeats by itself.

What the kernels of a plan read and write lies in the same places in every run, so what was recorded
once is right for all of them. What CuPy's own functions ask for besides comes from a memory pool of
the plan's: nobody else is given the blocks that it lent while a graph was recorded.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Protocol

from graphflow.backends.base import Kernel


class Graph(Protocol):
    """What was recorded."""

    def upload(self, stream: object) -> None: ...
    def launch(self, stream: object) -> None: ...


class Recorder:
    """The stream of a plan, its memory pool, and whether it is recording."""

    def __init__(self) -> None:
        import cupy
        import cupyx

        self._cuda, self._errstate = cupy.cuda, cupyx.errstate
        self._pool, self._default_pool = cupy.cuda.MemoryPool(), cupy.get_default_memory_pool()
        self.stream = _stream()
        self.recording = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """What runs inside is on the plan's stream and has its memory from its pool."""
        allocator = self._cuda.using_allocator(self._pool.malloc)
        with self._errstate(linalg="raise"), self.stream, allocator:
            yield

    def free(self) -> int:
        """Bytes of the GPU's memory that nothing has, or that pools keep for later."""
        kept = self._cuda.runtime.memGetInfo()[0] + self._default_pool.free_bytes()
        return int(kept + self._pool.free_bytes())

    def recorded(self, kernels: Sequence[Kernel]) -> Recording:
        """Kernels in which the host has no part, as one."""
        return Recording(self, kernels)

    def record(self, kernels: Sequence[Kernel]) -> Graph | str:
        """Kernels as a graph, none of which runs; or what hinders."""
        try:
            graph = self._captured(kernels)
        except RuntimeError as error:  # CUDA's, and what CuPy has not implemented
            return " ".join(str(error).split())[:200]
        graph.upload(self.stream)
        return graph

    def _captured(self, kernels: Sequence[Kernel]) -> Graph:
        """The stream takes up what kernels launch, and is as before in the end, however they end.
        """
        self.recording, whole = True, False
        self.stream.begin_capture()
        try:
            for kernel in kernels:
                kernel()
            whole = True
        finally:
            self.recording = False
            if not whole:
                with suppress(RuntimeError):
                    self.stream.end_capture()
        graph: Graph = self.stream.end_capture()
        return graph


class Recording:
    """Kernels that run one by one at first, when libraries load what they need, and are recorded
    before they run again. Within another recording they are part of that one.
    """

    def __init__(self, recorder: Recorder, kernels: Sequence[Kernel]) -> None:
        self._recorder, self._kernels = recorder, kernels
        self._graph: Graph | str | None = None
        self._ran = False

    def __call__(self) -> None:
        alone = not self._recorder.recording
        if alone and self._ran and self._graph is None:
            self._graph = self._recorder.record(self._kernels)
            if isinstance(self._graph, str):
                warnings.warn(f"kernels run one by one, not recorded: {self._graph}", stacklevel=2)
        if alone and self._graph is not None and not isinstance(self._graph, str):
            self._graph.launch(self._recorder.stream)
            return
        for kernel in self._kernels:
            kernel()
        self._ran = True


@cache
def _stream() -> Any:
    """One for all plans: what one of them has written is there for the next."""
    import cupy

    return cupy.cuda.Stream(non_blocking=True)
