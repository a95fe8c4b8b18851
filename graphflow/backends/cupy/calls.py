"""Operations of cuDNN and cuBLASLt on CuPy's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from graphflow.backends.base import Kernel
from graphflow.backends.cuda import Operand
from graphflow.backends.cupy.placed import placed
from graphflow.backends.cupy.workspace import Workspace
from graphflow.backends.described import Refused, Tensor
from graphflow.ops.op import Array

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


W = TypeVar("W")
Places = Sequence[tuple[Array, Tensor]]
"""Arrays, and how a library is told that each lies."""


class Calls(Generic[W]):
    """Plans of a library, run on the stream that CuPy works on."""

    def __init__(self, library: Library[W], workspace: Workspace) -> None:
        import cupy

        self._xp, self._library, self._workspace = cupy, library, workspace

    def bound(self, wanted: W, operands: Places, results: Places) -> Kernel | Refused:
        """An operation on arrays, which may lie otherwise than the library is told."""
        plan = self._library.plan(wanted)
        if isinstance(plan, Refused):
            return plan
        given, made = (
            [(x, Operand(lie.strides, True)) for x, lie in side] for side in (operands, results)
        )
        run = partial(self._called, plan)
        return placed(self._xp, self._workspace, given, made, run, more=plan.workspace)

    def _called(self, plan: Plan, places: Sequence[Array], own: Sequence[Array]) -> Kernel:
        (rest,) = own
        addresses = [x.data.ptr for x in (*places, rest)]  # type: ignore[attr-defined]
        return partial(self._run, plan, addresses[:-1], addresses[-1])

    def _run(self, plan: Plan, places: Sequence[int], workspace: int) -> None:
        plan.run(places, workspace, self._xp.cuda.get_current_stream().ptr)
