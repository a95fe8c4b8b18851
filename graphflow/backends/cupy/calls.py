"""Operations of cuDNN and cuBLASLt on CuPy's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np

from graphflow.backends.cuda import Operand
from graphflow.backends.cupy.kernels import laid, room
from graphflow.backends.described import Refused, Tensor
from graphflow.ops.op import Array

W = TypeVar("W")
W_contra = TypeVar("W_contra", contravariant=True)


class Plan(Protocol):
    """How a library computes one operation, in ``workspace`` bytes besides its arrays."""

    workspace: int

    def run(self, places: Sequence[int], workspace: int, stream: int) -> None:
        """Compute on a stream, on the addresses of operands and results and of the bytes."""


class Library(Protocol[W_contra]):
    """A library that computes by plans."""

    def plan(self, wanted: W_contra) -> Plan | Refused:
        """The plan of an operation; or why there is none."""


class Calls(Generic[W]):
    """Plans of a library, run on the stream that CuPy works on."""

    def __init__(self, library: Library[W]) -> None:
        self._library = library

    def calling(
        self, wanted: W, operands: Sequence[Tensor], results: Sequence[Tensor]
    ) -> Calling | Refused:
        """What computes results from operands that lie like these."""
        plan = self._library.plan(wanted)
        return plan if isinstance(plan, Refused) else Calling(plan, operands, results)


class Calling:
    """A plan on CuPy's arrays."""

    def __init__(self, plan: Plan, operands: Sequence[Tensor], results: Sequence[Tensor]) -> None:
        import cupy

        self._xp, self._plan = cupy, plan
        self._operands = [Operand(tensor.strides, True) for tensor in operands]
        self._results = tuple(results)

    def __call__(self, *operands: Array) -> tuple[Array, ...]:
        """The results, in memory of their own."""
        given = [laid(self._xp, x, how) for x, how in zip(operands, self._operands, strict=True)]
        made = tuple(
            room(self._xp, x.shape, x.strides, np.dtype(x.dtype)) for x in self._results
        )
        workspace = self._xp.empty(self._plan.workspace, np.uint8)
        places = [x.data.ptr for x in (*given, *made)]  # type: ignore[attr-defined]  # CuPy has it
        self._plan.run(places, workspace.data.ptr, self._xp.cuda.get_current_stream().ptr)
        return made
