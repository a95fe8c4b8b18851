"""What Numba has no words for: calls by address, and memory that several threads write.

An address is that of whole numbers of 64 bits, of which the one at ``place`` is meant.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function

from graphflow.backends.llvm.jit import intrinsic

WORD = ir.IntType(64)
PAUSE = "llvm.x86.sse2.pause" if platform.machine() in ("x86_64", "AMD64") else ""
"""What tells a processor that it waits, where there is such an instruction."""


def _place(builder: ir.IRBuilder, args: Sequence[ir.Value]) -> ir.Value:
    return builder.gep(builder.inttoptr(args[0], WORD.as_pointer()), [args[1]])


@intrinsic
def call(context, function, at, n, part):  # type: ignore[no-untyped-def]
    """Call a function (at, n, part)."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        made = ir.FunctionType(ir.VoidType(), [WORD] * 3)
        builder.call(builder.inttoptr(args[0], made.as_pointer()), args[1:])
        return target.get_dummy_value()

    return types.void(*[types.int64] * 4), build


@intrinsic
def number(context, address, place):  # type: ignore[no-untyped-def]
    """The number that is there."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.load(_place(builder, args))

    return types.int64(types.int64, types.int64), build


@intrinsic
def seen(context, address, place):  # type: ignore[no-untyped-def]
    """The number that is there now; what its writer did before is seen after."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.load_atomic(_place(builder, args), "acquire", 8)

    return types.int64(types.int64, types.int64), build


@intrinsic
def tell(context, address, place, value):  # type: ignore[no-untyped-def]
    """Write a number for other threads to see."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        builder.store_atomic(args[2], _place(builder, args), "release", 8)
        return target.get_dummy_value()

    return types.void(*[types.int64] * 3), build


@intrinsic
def count_up(context, address, place):  # type: ignore[no-untyped-def]
    """Add 1; the number before. No two threads get the same."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.atomic_rmw("add", _place(builder, args), WORD(1), "acq_rel")

    return types.int64(types.int64, types.int64), build


@intrinsic
def pause(context):  # type: ignore[no-untyped-def]
    """Wait for some cycles."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        if PAUSE:
            made = ir.FunctionType(ir.VoidType(), [])
            builder.call(get_or_insert_function(builder.module, made, PAUSE), [])
        return target.get_dummy_value()

    return types.void(), build


@intrinsic
def give_way(context, function):  # type: ignore[no-untyped-def]
    """Call the system's function that lets others have the processor, by its address."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        made = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(args[0], made.as_pointer()), [])
        return target.get_dummy_value()

    return types.void(types.int64), build
