"""Generated kernels, compiled by NVRTC, loaded and launched by CuPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.backends.cuda import Fusion, Module, Operand
from graphflow.ops.op import Array, Namespace

BOUNDARY = 16
"""Bytes that are read at once lie on such a boundary."""


class Kernels:
    """The kernels of a module. CuPy keeps what it has compiled on disk, by the text."""

    def __init__(self, module: Module) -> None:
        import cupy

        self._xp = cupy
        compiled = cupy.RawModule(code=module.text, options=("--std=c++17",))
        names = {launch.kernel for fusion in module.fusions for launch in fusion.launches}
        self._functions = {name: compiled.get_function(name) for name in names}
        self._notes = any(fusion.notes for fusion in module.fusions)
        self._missed = cupy.zeros(1, np.int32)

    def run(self, fusion: Fusion, operands: Sequence[Array]) -> tuple[Array, ...]:
        """The results of a fused node, in memory of their own."""
        given = [laid(self._xp, x, how) for x, how in zip(operands, fusion.operands, strict=True)]
        made = [self._xp.empty(b.shape, b.dtype) for b in (*fusion.results, *fusion.rooms)]
        arrays = [*given, *made, self._missed]
        for launch in fusion.launches:
            function = self._functions[launch.kernel]
            function((launch.blocks,), (launch.threads,), tuple(arrays[n] for n in launch.arrays))
        return tuple(made[: len(fusion.results)])

    def missed(self) -> bool:
        """Whether a position lay outside of its row since this was asked last."""
        if not self._notes or not int(self._missed[0]):
            return False
        self._missed.fill(0)
        return True


def laid(xp: Namespace, x: Array, how: Operand) -> Array:
    """An array in memory as its kernel expects it: itself, or a copy."""
    wanted = tuple(stride * x.itemsize for stride in how.strides)
    axes = zip(x.shape, x.strides, wanted, strict=True)
    apart = how.packed and x.data.ptr % BOUNDARY  # type: ignore[attr-defined]  # CuPy has it
    if not apart and all(n == 1 or a == b for n, a, b in axes):
        return x
    found = room(xp, x.shape, how.strides, x.dtype)
    found[...] = x
    return found


def room(
    xp: Namespace, shape: Sequence[int], strides: Sequence[int], dtype: np.dtype[np.generic]
) -> Array:
    """A new array whose neighbours lie so many elements apart."""
    reach = 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    apart = tuple(stride * dtype.itemsize for stride in strides)
    found: Array = xp.lib.stride_tricks.as_strided(xp.empty(reach, dtype), shape, apart)
    return found
