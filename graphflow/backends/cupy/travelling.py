"""Values on their way to a GPU and back, through pinned memory, from which the GPU reads by itself.

A batch can be brought while the step before it still runs: a thread copies it into pinned memory, a
stream of its own brings it to a place beside the one that kernels read, and the stream that
computes takes it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphflow.backends.described import Sizes
from graphflow.ops.op import Array

AHEAD = 2
"""Batches that may be on their way at once."""


class Lane:
    """A thread and a stream by which values are brought ahead."""

    def __init__(self) -> None:
        import cupy

        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.thread = ThreadPoolExecutor(1, "graphflow-bring")


class Berth:
    """Pinned memory, a place on the device beside the one that kernels read, and when they are
    free: ``come`` when the value is there, ``gone`` when it was taken.
    """

    def __init__(self, shape: Sizes, dtype: np.dtype[np.generic]) -> None:
        import cupy
        import cupyx

        self.here: Array = cupyx.empty_pinned(shape, dtype)
        self.there: Any = cupy.empty(shape, dtype)
        self.come, self.gone = (cupy.cuda.Event(disable_timing=True) for _ in range(2))

    def carry(self, value: Array, stream: Any) -> None:
        """Bring a value to the place, once what was there is taken. The host waits for that alone.
        """
        self.gone.synchronize()
        np.copyto(self.here, value, casting="unsafe")
        self.there.data.copy_from_host_async(self.here.ctypes.data, self.here.nbytes, stream)
        self.come.record(stream)


@dataclass(frozen=True)
class Coming:
    """A value on its way."""

    value: Array
    berth: Berth
    carried: Future[None]


class Inbox:
    """A leaf that is fed: its place on the device, and pinned memory on the host."""

    def __init__(self, shape: Sizes, dtype: np.dtype[np.generic], lane: Lane) -> None:
        import cupy
        import cupyx

        self._xp, self._lane, self._about = cupy, lane, (shape, dtype)
        self.array: Array = cupy.empty(shape, dtype)
        self._here: Array = cupyx.empty_pinned(shape, dtype)
        self._free: list[Berth] = []
        self._coming: list[Coming] = []

    def bring(self, value: Array) -> None:
        """Begin to bring a value that is put later, if there is room for it."""
        if not value.size or len(self._coming) == AHEAD:
            return
        berth = self._free.pop() if self._free else Berth(*self._about)
        carried = self._lane.thread.submit(berth.carry, value, self._lane.stream)
        self._coming.append(Coming(value, berth, carried))

    def put(self, value: Array) -> None:
        """Bring a value to where kernels read it, in the order of the stream. The host may go on,
        and must not put another one before the stream has come so far.
        """
        stream = self._xp.cuda.get_current_stream()
        berth = self._arrived(value)
        if berth is not None:
            stream.wait_event(berth.come)
            self._xp.copyto(self.array, berth.there)
            berth.gone.record(stream)
            return
        np.copyto(self._here, value, casting="unsafe")
        if self._here.nbytes:
            place: Any = self.array.data
            place.copy_from_host_async(self._here.ctypes.data, self._here.nbytes, stream)


    def _arrived(self, value: Array) -> Berth | None:
        """Where a value was brought to; those that were to come before it make room."""
        at = next((n for n, each in enumerate(self._coming) if each.value is value), None)
        full = len(self._coming) == AHEAD
        count = int(full) if at is None else at + 1
        passed, self._coming = self._coming[:count], self._coming[count:]
        for each in passed:
            each.carried.result()
            self._free.append(each.berth)
        return None if at is None else passed[-1].berth


class Travelling:
    """What goes to the GPU and comes back, on the stream that CuPy works on."""

    def __init__(self) -> None:
        import cupy
        import cupyx

        self._xp, self._pinned = cupy, cupyx.empty_pinned
        self._lane = Lane()
        self._outbox: dict[int, Array] = {}

    def inbox(self, shape: Sizes, dtype: np.dtype[np.generic]) -> Inbox:
        """A place for what is fed."""
        return Inbox(shape, dtype, self._lane)

    def fetched(self, values: Sequence[Array]) -> Callable[[], list[Array]]:
        """Begin to bring values back; what waits for them, and has copies of them."""
        stream = self._xp.cuda.get_current_stream()
        arriving = [self._sent(number, x, stream) for number, x in enumerate(values)]

        def arrived() -> list[Array]:
            stream.synchronize()
            return [np.array(x) for x in arriving]

        return arrived

    def _sent(self, number: int, x: Array, stream: object) -> Array:
        """Where the value comes to on the host."""
        rows = self._xp.ascontiguousarray(x)
        here = self._outbox.get(number)
        if here is None or here.shape != x.shape or here.dtype != x.dtype:
            here = self._outbox[number] = self._pinned(x.shape, x.dtype)
        if x.nbytes:
            rows.data.copy_to_host_async(here.ctypes.data, x.nbytes, stream)
        return here
