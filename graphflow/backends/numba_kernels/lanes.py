"""Rows of ``LANES`` numbers as compiled code moves them: one load and one store."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from graphflow.backends.numba_kernels.jit import intrinsic, njit

LANES = 16
"""Channels that are worked on at a time: one vector of 512 bits in single precision."""
U = np.uint64
"""Indices that cannot be negative: loops over them become vector instructions."""
L = U(LANES)
FAST = {"reassoc", "contract", "nsz", "arcp"}
"""What compiled arithmetic may assume: not that numbers are finite."""


def number_at(context: Any, builder: Any, type: Any, array: Any, index: Any) -> Any:
    """Where a number of a flat array is, and its size."""
    place = builder.gep(context.make_array(type)(context, builder, array).data, [index])
    return place, context.get_abi_sizeof(context.get_data_type(type.dtype))


def vector_at(context: Any, builder: Any, type: Any, array: Any, index: Any) -> Any:
    """Where ``LANES`` numbers of a flat array begin, and the size of one."""
    first, size = number_at(context, builder, type, array, index)
    vector = ir.VectorType(context.get_data_type(type.dtype), LANES)
    return builder.bitcast(first, vector.as_pointer()), size


def loaded(builder: Any, place: tuple[Any, int]) -> Any:
    """What is there."""
    found = builder.load(place[0])
    found.align = place[1]
    return found


def repeated(builder: Any, number: Any) -> Any:
    """A number in all lanes."""
    vector = ir.VectorType(number.type, LANES)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), lanes)


@intrinsic
def copy_lanes(typing, target, to, source, at):  # type: ignore[no-untyped-def]
    """``target[to : to + LANES] = source[at : at + LANES]`` for flat arrays of one number type."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, _, source, _ = signature.args
        lanes = loaded(builder, vector_at(context, builder, source, arguments[2], arguments[3]))
        pointer, size = vector_at(context, builder, target, arguments[0], arguments[1])
        builder.store(lanes, pointer).align = size
        return context.get_dummy_value()

    return types.void(target, types.uint64, source, types.uint64), generate


@intrinsic
def transpose_lanes(typing, target, to, across, source, at, down):  # type: ignore[no-untyped-def]
    """A square of ``LANES`` rows, ``down`` apart in the source, as columns of the target, the rows
    of which are ``across`` apart.

    Squares of half the size change places, then those inside of them, down to single numbers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def row(k: int, number: int) -> tuple[Any, int]:
            step = builder.mul(arguments[k + 2], ir.Constant(ir.IntType(64), number))
            index = builder.add(arguments[k + 1], step)
            return vector_at(context, builder, signature.args[k], arguments[k], index)  # type: ignore[no-any-return]

        rows = [loaded(builder, row(3, i)) for i in range(LANES)]
        half = LANES // 2
        while half:
            low = [j if not j & half else LANES + j - half for j in range(LANES)]
            high = [j + half if not j & half else LANES + j for j in range(LANES)]
            for i in range(LANES):
                if not i & half:
                    pair = rows[i], rows[i + half]
                    for place, lanes in ((i, low), (i + half, high)):
                        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), lanes)
                        rows[place] = builder.shuffle_vector(*pair, mask)
            half //= 2
        for i, found in enumerate(rows):
            pointer, size = row(0, i)
            builder.store(found, pointer).align = size
        return context.get_dummy_value()

    index = types.uint64
    return types.void(target, index, index, source, index, index), generate


@njit()
def move(target, to, source, at, count):  # type: ignore[no-untyped-def]
    """Copy ``count`` numbers that follow each other."""
    whole = count // L * L
    for c in range(U(0), whole, L):
        copy_lanes(target, to + c, source, at + c)
    for c in range(whole, count):
        target[to + c] = source[at + c]


@njit()
def spill(target, to, source, at, count):  # type: ignore[no-untyped-def]
    """The same, where up to ``LANES`` numbers behind may be overwritten."""
    for c in range(U(0), count, L):
        if at + c + L <= U(len(source)):
            copy_lanes(target, to + c, source, at + c)
        else:
            for e in range(c, count):
                target[to + e] = source[at + e]
            break


@njit()
def add(target, to, source, at, count):  # type: ignore[no-untyped-def]
    """Add ``count`` numbers to others."""
    half = L // U(2)
    whole = count // half * half
    for c in range(U(0), whole, half):
        for e in range(c, c + half):
            target[to + e] += source[at + e]
    for e in range(whole, count):
        target[to + e] += source[at + e]
