"""Operations that expect arrays to lie in a certain way, on arrays as they lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from graphflow.backends.base import Kernel
from graphflow.backends.cuda import Operand
from graphflow.backends.cupy.workspace import Room, Workspace, lies, overlap, room
from graphflow.ops.op import Array, Namespace

Places = Sequence[tuple[Array, Operand]]
"""Arrays, and how an operation expects each to lie."""
Binds = Callable[[Sequence[Array], Sequence[Array]], Kernel]
"""Binds an operation to its operands and results, and to rooms of its own and then bytes."""


def placed(
    xp: Namespace,
    workspace: Workspace,
    operands: Places,
    results: Places,
    bind: Binds,
    own: Sequence[Room] = (),
    more: int = 0,
    in_place: bool = False,
) -> Kernel:
    """An operation bound to arrays: what does not lie as it has to goes through the workspace, as
    does a result that lies where an operand is, unless that is allowed (``in_place``). ``own`` are
    rooms and ``more`` bytes that the operation works in.
    """
    inputs = [x for x, _ in operands]
    apart = [not lies(x, how) for x, how in operands]
    aside = [
        not lies(y, how) or (not in_place and any(overlap(x, y) for x in inputs))
        for y, how in results
    ]
    arrays = [*operands, *results]
    away = [*apart, *aside]
    moved = [room(x, how.strides) for (x, how), moves in zip(arrays, away, strict=True) if moves]
    wanted = [*moved, *own]
    workspace.reserve(wanted, more)

    def bound() -> Kernel:
        rooms, rest = workspace.rooms(wanted)
        spare = iter(rooms)
        places = [next(spare) if moves else x for (x, _), moves in zip(arrays, away, strict=True)]
        run = bind(places, [*spare, rest])
        pairs = [(place, x) for place, (x, _) in zip(places, arrays, strict=True)]
        count = len(operands)
        before = [partial(xp.copyto, place, x) for place, x in pairs[:count] if place is not x]
        after = [partial(xp.copyto, y, place) for place, y in pairs[count:] if place is not y]
        return in_turn([*before, run, *after])

    return bound() if not wanted and not more else _Late(bound)


class _Late:
    """A kernel that is bound when it first runs: then it is known how large the workspace is."""

    def __init__(self, bind: Callable[[], Kernel]) -> None:
        self._bind, self._kernel = bind, cast("Kernel | None", None)

    def __call__(self) -> None:
        if self._kernel is None:
            self._kernel = self._bind()
        self._kernel()


def in_turn(kernels: Sequence[Kernel]) -> Kernel:
    """Kernels as one that runs them one after the other."""
    if len(kernels) == 1:
        return kernels[0]

    def run() -> None:
        for kernel in kernels:
            kernel()

    return run
