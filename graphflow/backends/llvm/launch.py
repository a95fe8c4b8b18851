"""Compiled functions called by their address, once for each part of the work, on all threads."""

from __future__ import annotations

from llvmlite import ir
from numba import prange, types

from graphflow.backends.llvm.jit import intrinsic, njit


@intrinsic
def _call(context, kernel, at, n, part):  # type: ignore[no-untyped-def]
    """Call compiled loops by their address."""

    def build(target, builder, signature, args):  # type: ignore[no-untyped-def]
        word = ir.IntType(64)
        made = ir.FunctionType(ir.VoidType(), [word] * 3)
        builder.call(builder.inttoptr(args[0], made.as_pointer()), args[1:])
        return target.get_dummy_value()

    return types.void(*[types.int64] * 4), build


@njit("void(int64, int64, int64, int64, boolean)")
def alone(kernel, at, n, parts, joins):  # type: ignore[no-untyped-def]
    """Call ``kernel(at, n, part)`` for each part, one after the other; with ``joins`` for part -1
    at the end.
    """
    for part in range(parts):
        _call(kernel, at, n, part)
    if joins:
        _call(kernel, at, n, -1)


@njit("void(int64, int64, int64, int64, boolean)", parallel=True)
def shared(kernel, at, n, parts, joins):  # type: ignore[no-untyped-def]
    """The same on all threads."""
    for part in prange(parts):
        _call(kernel, at, n, part)
    if joins:
        _call(kernel, at, n, -1)
