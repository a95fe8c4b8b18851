"""Convolutions by cuDNN on CuPy's arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphflow.backends.cuda import Operand
from graphflow.backends.cudnn import Convolution, Library, Plan, Refused, Tensor
from graphflow.backends.cupy.kernels import laid, room
from graphflow.ops.op import Array


class Convolutions:
    """Plans of cuDNN, run on the stream that CuPy works on."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def convolving(self, wanted: Convolution, lying: Sequence[Tensor]) -> Convolving | Refused:
        """What computes a convolution of operands and a result that lie like these."""
        plan = self._library.plan(wanted)
        return plan if isinstance(plan, Refused) else Convolving(plan, lying)


class Convolving:
    """A plan on CuPy's arrays."""

    def __init__(self, plan: Plan, lying: Sequence[Tensor]) -> None:
        import cupy

        self._xp, self._plan = cupy, plan
        self._operands = [Operand(tensor.strides, True) for tensor in lying[:-1]]
        self._result = lying[-1]

    def __call__(self, *operands: Array) -> Array:
        """The result, in memory of its own."""
        given = [laid(self._xp, x, how) for x, how in zip(operands, self._operands, strict=True)]
        how = self._result
        made = room(self._xp, how.shape, how.strides, np.dtype(how.dtype))
        workspace = self._xp.empty(self._plan.workspace, np.uint8)
        places = [x.data.ptr for x in (*given, made)]  # type: ignore[attr-defined]  # CuPy has it
        self._plan.run(places, workspace.data.ptr, self._xp.cuda.get_current_stream().ptr)
        return made
