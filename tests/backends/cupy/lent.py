"""Arrays of this machine that tell their addresses as CuPy's do."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from tests.backends.cuda.host import garbage


class Lent(np.ndarray):
    """An array that tells its address as CuPy's does."""

    @property
    def data(self):
        return SimpleNamespace(ptr=self.ctypes.data)


def lent(x: np.ndarray) -> np.ndarray:
    return np.asarray(x).view(Lent)


def misplaced(x: np.ndarray) -> np.ndarray:
    """The same numbers, 4 bytes after a boundary."""
    room = garbage((x.nbytes + 16,), np.dtype(np.uint8))[4 : 4 + x.nbytes]
    moved = lent(room.view(x.dtype).reshape(x.shape))
    moved[...] = x
    return moved


def turned(x: np.ndarray) -> np.ndarray:
    """The same numbers, column by column."""
    return lent(np.array(x, order="F"))
