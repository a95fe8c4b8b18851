"""Values on their way to a GPU and back, through memory that the host does not move."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graphflow.backends.described import Sizes
from graphflow.ops.op import Array


class Inbox:
    """A leaf that is fed, and its pinned memory on the host."""

    def __init__(self, shape: Sizes, dtype: np.dtype[np.generic]) -> None:
        import cupy
        import cupyx

        self._xp = cupy
        self.array: Array = cupy.empty(shape, dtype)
        self._here: Array = cupyx.empty_pinned(shape, dtype)

    def put(self, value: Array) -> None:
        """Bring a value there, in the order of the stream. The host may go on, and must not put
        another one before the stream has come so far.
        """
        np.copyto(self._here, value, casting="unsafe")
        if self._here.nbytes:
            stream = self._xp.cuda.get_current_stream()
            place = self.array.data
            place.copy_from_host_async(  # type: ignore[attr-defined]  # CuPy has it
                self._here.ctypes.data, self._here.nbytes, stream
            )


class Travelling:
    """What goes to the GPU and comes back, on the stream that CuPy works on."""

    def __init__(self) -> None:
        import cupy
        import cupyx

        self._xp, self._pinned = cupy, cupyx.empty_pinned
        self._outbox: dict[int, Array] = {}

    def inbox(self, shape: Sizes, dtype: np.dtype[np.generic]) -> Inbox:
        """A place for what is fed."""
        return Inbox(shape, dtype)

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
        if here is None or here.shape != rows.shape or here.dtype != rows.dtype:
            here = self._outbox[number] = self._pinned(rows.shape, rows.dtype)
        if rows.nbytes:
            rows.data.copy_to_host_async(here.ctypes.data, rows.nbytes, stream)
        return here
