"""Generated kernels, compiled by NVRTC, loaded and launched by CuPy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from graphflow.backends.base import Kernel
from graphflow.backends.cuda import Fusion, Module
from graphflow.backends.cuda.arrays import row_by_row
from graphflow.backends.cupy.placed import in_turn, placed
from graphflow.backends.cupy.workspace import Workspace, packed_rows
from graphflow.ops.op import Array


class Kernels:
    """The kernels of a module. CuPy keeps what it has compiled on disk, by the text."""

    def __init__(self, workspace: Workspace, module: Module) -> None:
        import cupy

        self._xp, self._workspace = cupy, workspace
        compiled = cupy.RawModule(code=module.text, options=("--std=c++17",))
        names = {launch.kernel for fusion in module.fusions for launch in fusion.launches}
        self._functions = {name: compiled.get_function(name) for name in names}
        self._notes = any(fusion.notes for fusion in module.fusions)
        self._missed = cupy.zeros(1, np.int32)

    def bound(self, fusion: Fusion, operands: Sequence[Array], results: Sequence[Array]) -> Kernel:
        """A fused node on the arrays of its operands and results."""
        return placed(
            self._xp, self._workspace, [*zip(operands, fusion.operands, strict=True)],
            [(y, packed_rows(y)) for y in results], partial(self._launches, fusion),
            [(b.shape, row_by_row(b.shape), b.dtype) for b in fusion.rooms],
            in_place=fusion.in_place,
        )  # fmt: skip

    def _launches(
        self, fusion: Fusion, places: Sequence[Array], own: Sequence[Array]
    ) -> Kernel:
        *rooms, _ = own
        arrays = [*places, *rooms, self._missed]
        return in_turn([
            partial(
                self._functions[launch.kernel], (launch.blocks,), (launch.threads,),
                tuple(arrays[n] for n in launch.arrays),
            )
            for launch in fusion.launches
        ])  # fmt: skip

    def missed(self) -> bool:
        """Whether a position lay outside of its row since this was asked last."""
        if not self._notes or not int(self._missed[0]):
            return False
        self._missed.fill(0)
        return True
