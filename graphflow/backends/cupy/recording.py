"""Kernels recorded as a CUDA graph, which the GPU then repeats by itself.

What the kernels of a plan read and write lies in the same places in every run, so what was recorded
once is right for all of them. What CuPy's own functions ask for besides comes from a memory pool of
the plan's: nobody else is given the blocks that it lent while a graph was recorded.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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

    def record(self, kernels: Sequence[Kernel]) -> Graph | Hindered:
        """Kernels as a graph, none of which runs; or what hinders."""
        done = 0
        try:
            with self._capturing() as captured:
                for kernel in kernels:
                    kernel()
                    done += 1
        except RuntimeError as error:  # CUDA's, and what CuPy has not implemented
            return Hindered(done, " ".join(str(error).split())[:200])
        (graph,) = captured
        graph.upload(self.stream)
        return graph

    @contextmanager
    def _capturing(self) -> Iterator[list[Graph]]:
        """The stream takes up what is launched inside, and is as before in the end, however that
        ends; the graph is in the list then.
        """
        captured: list[Graph] = []
        self.recording, whole = True, False
        self.stream.begin_capture()
        try:
            yield captured
            whole = True
        finally:
            self.recording = False
            if not whole:
                with suppress(RuntimeError):
                    self.stream.end_capture()
        captured.append(self.stream.end_capture())


@dataclass(frozen=True)
class Hindered:
    """Why kernels were not recorded, and how many of them were before one was not; it may be that
    an earlier one is the reason, or, where all were, any.
    """

    done: int
    why: str


class Recording:
    """Kernels that run one by one at first, when libraries load what they need, and are recorded
    before they run again. One that cannot be recorded runs between two recordings. Within another
    recording they are part of that one.
    """

    def __init__(self, recorder: Recorder, kernels: Sequence[Kernel], ran: bool = False) -> None:
        self._recorder, self._kernels, self._ran = recorder, list(kernels), ran
        self._graph: Graph | None = None
        self._whole = True
        """Whether they are one recording, or will be."""

    def __call__(self) -> None:
        alone = not self._recorder.recording
        if alone and self._ran and self._whole and self._graph is None and self._kernels:
            self._record()
        if alone and self._graph is not None:
            self._graph.launch(self._recorder.stream)
            return
        for kernel in self._kernels:
            kernel()
        self._ran = True

    def _record(self) -> None:
        found = self._recorder.record(self._kernels)
        if not isinstance(found, Hindered):
            self._graph = found
            return
        self._whole, at = False, found.done
        if at == len(self._kernels):
            warnings.warn(f"{at} kernels run one by one: {found.why}", stacklevel=3)
            return
        warnings.warn(f"a kernel runs by itself, between recordings: {found.why}", stacklevel=3)
        before, after = (
            Recording(self._recorder, part, ran=True)
            for part in (self._kernels[:at], self._kernels[at + 1 :])
        )
        self._kernels = [before, self._kernels[at], after]


@cache
def _stream() -> Any:
    """One for all plans: what one of them has written is there for the next."""
    import cupy

    return cupy.cuda.Stream(non_blocking=True)
