"""What a GPU does for portable forwards, so that they need not wait for it."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from graphflow.backends.cuda import draws
from graphflow.backends.described import Sizes
from graphflow.ops.op import Array


class Helping:
    """Notes what is wrong, and draws random numbers."""

    def __init__(self) -> None:
        import cupy

        self._xp = cupy
        self._wrong: Array = cupy.zeros((), np.bool_)

    def note(self, wrong: Array | np.bool) -> None:
        """Note that something is wrong, where this truth value is true."""
        self._wrong |= wrong

    def told(self) -> bool:
        """Whether something was wrong since this was asked last. It is waited for."""
        found = bool(self._wrong)
        if found:
            self._wrong.fill(False)
        return found

    def random(self, key: Array, stream: int, shape: Sizes) -> Array:
        """What NumPy's Philox draws for a key (seed, step) and a stream: float64 in 0 <= u < 1."""
        found: Array = self._xp.empty(shape, np.float64)
        count = prod(shape)
        if count:
            arguments = (key, np.uint64(stream), np.int64(count), found)
            _draw()((draws.blocks(count),), (draws.THREADS,), arguments)
        return found


@cache
def _draw() -> Any:
    import cupy

    return cupy.RawKernel(draws.TEXT, draws.NAME, options=("--std=c++17",))
