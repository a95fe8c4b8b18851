"""What a bound plan is: a straight line of kernels, and the memory it works in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from graphflow.backends.base import Backend, Kernel
from graphflow.ir.types import TensorType
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.schedule.liveness import Slot
from graphflow.schedule.memory import ALIGNMENT
from graphflow.schedule.plan import Plan
from graphflow.schedule.views import Order, applies, as_ordered, concrete_shape, nbytes


def allocate(nbytes: int) -> Array:
    """Bytes that begin at a multiple of the alignment."""
    room = np.empty(nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + nbytes]


def carve(arena: Array, offset: int, type: TensorType, order: Order | None = None) -> Array:
    """The array of a type that begins at ``offset`` of the arena, row by row or in an order."""
    shape = concrete_shape(type)
    rows = arena[offset : offset + nbytes(type)].view(type.dtype.value).reshape(shape)
    return as_ordered(rows, order) if applies(order, type) else rows


@dataclass
class Line:
    """Kernels in running order, then those of the end, then copies into updated leaves.

    Leaves change in the last two only.
    """

    values: dict[str, Computed]
    kernels: list[Kernel] = field(default_factory=list)
    ending: list[Kernel] = field(default_factory=list)
    copies: list[Kernel] = field(default_factory=list)

    def array(self, name: str) -> Array:
        """The memory of a value that is one array."""
        value = self.values[name]
        assert not isinstance(value, tuple)
        return value


Binder = Callable[[Backend, Plan, Mapping[str, Array], Array, Mapping[Slot, Array]], Line]
"""Binds a plan: leaves by name, the arena, and places of results that do not lie in it."""
