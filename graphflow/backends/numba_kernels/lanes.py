"""Rows of ``LANES`` numbers as compiled code moves them: one load and one store."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

LANES = 16
"""Channels that are worked on at a time: one vector of 512 bits in single precision."""
U = np.uint64
"""Indices that cannot be negative: loops over them become vector instructions."""
L = U(LANES)
FAST = {"reassoc", "contract", "nsz", "arcp"}
"""What compiled arithmetic may assume: not that numbers are finite."""


@intrinsic
def copy_lanes(typing, target, to, source, at):  # type: ignore[no-untyped-def]
    """``target[to : to + LANES] = source[at : at + LANES]`` for flat arrays of one number type."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        element = context.get_data_type(signature.args[0].dtype)
        vector, size = ir.VectorType(element, LANES), context.get_abi_sizeof(element)

        def place(k: int) -> Any:
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            first = builder.gep(array.data, [arguments[k + 1]])
            return builder.bitcast(first, vector.as_pointer())

        loaded = builder.load(place(2))
        loaded.align = size
        builder.store(loaded, place(0)).align = size
        return context.get_dummy_value()

    return types.void(target, types.uint64, source, types.uint64), generate


@njit(cache=True)
def move(target, to, source, at, count):  # type: ignore[no-untyped-def]
    """Copy ``count`` numbers that follow each other."""
    whole = count // L * L
    for c in range(U(0), whole, L):
        copy_lanes(target, to + c, source, at + c)  # type: ignore[call-arg]
    for c in range(whole, count):
        target[to + c] = source[at + c]


@njit(cache=True)
def spill(target, to, source, at, count):  # type: ignore[no-untyped-def]
    """The same, where up to ``LANES`` numbers behind may be overwritten."""
    for c in range(U(0), count, L):
        if at + c + L <= U(len(source)):
            copy_lanes(target, to + c, source, at + c)  # type: ignore[call-arg]
        else:
            for e in range(c, count):
                target[to + e] = source[at + e]
            break


@njit(cache=True)
def add(target, to, source, at, count):  # type: ignore[no-untyped-def]
    """Add ``count`` numbers to others."""
    half = L // U(2)
    whole = count // half * half
    for c in range(U(0), whole, half):
        for e in range(c, c + half):
            target[to + e] += source[at + e]
    for e in range(whole, count):
        target[to + e] += source[at + e]
