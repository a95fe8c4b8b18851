"""Arrays of this machine that tell their addresses as CuPy's do."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphflow.backends.described import Refused, Tensor
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


def stand_in(stream: int = 11, **more) -> SimpleNamespace:
    """What stands for CuPy: memory of this machine that nothing may be read or written beside."""
    tricks = SimpleNamespace(as_strided=partial(as_strided, subok=True))
    return SimpleNamespace(
        lib=SimpleNamespace(stride_tricks=tricks),
        cuda=SimpleNamespace(get_current_stream=lambda: SimpleNamespace(ptr=stream)),
        empty=lambda shape, dtype: lent(
            garbage(np.broadcast_shapes(shape), np.dtype(dtype), "before")
        ),
        zeros=lambda *a: lent(np.zeros(*a)), copyto=np.copyto, asarray=lent, asnumpy=np.asarray,
        **more,
    )  # fmt: skip


def room(tensor: Tensor) -> np.ndarray:
    """Memory of this machine for an array that lies so."""
    dtype = np.dtype(tensor.dtype)
    reach = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    strides = [s * dtype.itemsize for s in tensor.strides]
    return as_strided(lent(garbage((reach,), dtype)), tensor.shape, strides, subok=True)


def results_of(calls, wanted, operands, rooms=None, empty=room):
    """What a library computes of operands, by :meth:`Calls.bound`. ``rooms`` describe operands and
    results, where it is not the operation itself that does.
    """
    given, made = rooms or (wanted.operands, wanted.results)
    results = [empty(tensor) for tensor in made]
    run = calls.bound(wanted, [*zip(operands, given, strict=True)],
                      [*zip(results, made, strict=True)])  # fmt: skip
    assert not isinstance(run, Refused)
    run()
    return results
