"""Means over GPUs of several processes, by NCCL."""

from __future__ import annotations

from graphflow.diagnostics import fail
from graphflow.ops.op import Array

TYPES = {"float16": 6, "float32": 7, "float64": 8}
"""NCCL's names of number types."""
SUM = 0
Identity = tuple[int, ...]
"""What the processes that reduce together have in common."""


def check_nccl() -> None:
    """Raises GF076 where CuPy has no NCCL."""
    from cupy.cuda import nccl

    if not nccl.available:
        fail("GF076", "several GPUs need NCCL, which CuPy does not find",
             help="pip install nvidia-nccl-cu13, for CUDA 12 nvidia-nccl-cu12")  # fmt: skip


def identity() -> Identity:
    """A new one, which one of the processes tells the others."""
    from cupy.cuda import nccl

    check_nccl()
    found: Identity = nccl.get_unique_id()
    return found


class Nccl:
    """One of ``count`` processes, each of which has a GPU of its own; it waits for the others."""

    def __init__(self, identity: Identity, count: int, number: int) -> None:
        import cupy
        from cupy.cuda import nccl

        self._xp = cupy
        self._communicator = nccl.NcclCommunicator(count, identity, number)

    def mean(self, value: Array, weight: float) -> Array:
        """The sum over processes of value times weight, in an array of its own. All processes ask
        for the same means in the same order. The host does not wait for it.
        """
        found = self._xp.empty(value.shape, value.dtype)
        self._xp.multiply(value, found.dtype.type(weight), out=found)
        place, stream = found.data.ptr, self._xp.cuda.get_current_stream().ptr
        kind = TYPES[found.dtype.name]
        self._communicator.allReduce(place, place, found.size, kind, SUM, stream)
        return found  # type: ignore[no-any-return]

    def abort(self) -> None:
        """No more means, not even those that are under way."""
        self._communicator.abort()
