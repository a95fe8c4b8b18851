"""One operation on numbers as instructions of LLVM's intermediate representation."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from graphflow.backends.elements.tracing import LOGIC

DType = np.dtype[np.generic]
PLAIN = "contract"
"""Arithmetic as it is written; a product and a sum may be one instruction."""
LOOSE = "reassoc nsz arcp contract"
"""Sums may be made in another order, in vectors; nan and infinities are what they are."""
ARITHMETIC = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "div"}
RELATIONS = {"equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le",
             "greater": "gt", "greater_equal": "ge"}  # fmt: skip
CALLS = {"floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "roundeven", "sqrt": "sqrt",
         "absolute": "fabs", "maximum": "maximum", "minimum": "minimum"}  # fmt: skip
Emit = Callable[[str], str]
"""Writes an instruction down and gives the name of its value."""


def type_of(dtype: DType) -> str:
    """A number type, as values have it."""
    if dtype.kind == "f":
        return "float" if dtype.itemsize == 4 else "double"
    return "i1" if dtype.kind == "b" else f"i{8 * dtype.itemsize}"


def stored_type(dtype: DType) -> str:
    """A number type, as it lies in memory."""
    return "i8" if dtype.kind == "b" else type_of(dtype)


def literal(value: object, dtype: DType) -> str:
    """A number, written out."""
    if dtype.kind == "f":
        (bits,) = struct.unpack("<Q", struct.pack("<d", float(dtype.type(value))))
        return f"0x{bits:016X}"
    return str(bool(value)).lower() if dtype.kind == "b" else str(int(value))  # type: ignore[call-overload]


def emitted(op: str, kind: DType, dtype: DType, x: Sequence[str], emit: Emit) -> str:
    """What NumPy's function of that name makes of numbers; ``kind`` is the type of the first."""
    own = type_of(dtype)
    if op == "where":
        return emit(f"select i1 {x[0]}, {own} {x[1]}, {own} {x[2]}")
    if op == "cast":
        return cast(x[0], kind, dtype, emit)
    if op in RELATIONS:
        return _compared(op, x, kind, emit)
    if op in LOGIC:
        return emit(f"{op.removeprefix('logical_')} i1 {x[0]}, {x[1]}")
    if op == "logical_not":
        truth = x[0] if kind.kind == "b" else cast(x[0], kind, dtype, emit)
        return emit(f"xor i1 {truth}, true")
    if op in ("isnan", "isinf", "isfinite"):
        return _tested(op, x[0], kind, emit)
    if op in ("power_of_two", "exponent", "mantissa"):
        return _bits(op, x[0], dtype, emit)
    if op in ("negative", "sign"):
        return _signed(op, x[0], dtype, emit)
    return combined(op, x, dtype, emit)


def combined(op: str, x: Sequence[str], dtype: DType, emit: Emit, flags: str = PLAIN) -> str:
    """Arithmetic, and what is one instruction; ``LOOSE`` where it adds one more to a reduction."""
    own = type_of(dtype)
    if op in ARITHMETIC and dtype.kind == "f":
        return emit(f"f{ARITHMETIC[op]} {flags} {own} {x[0]}, {x[1]}")
    if op in ARITHMETIC:
        return emit(f"{ARITHMETIC[op]} {own} {x[0]}, {x[1]}")
    if dtype.kind == "f":
        return called(CALLS[op], x, dtype, emit, flags)
    if op == "absolute":
        opposite = emit(f"sub {own} 0, {x[0]}")
        negative = emit(f"icmp slt {own} {x[0]}, 0")
        return emit(f"select i1 {negative}, {own} {opposite}, {own} {x[0]}")
    relation = "greater" if op == "maximum" else "less"
    first = _compared(relation, x, dtype, emit)
    return emit(f"select i1 {first}, {own} {x[0]}, {own} {x[1]}")


def called(
    name: str, x: Sequence[str], dtype: DType, emit: Emit, flags: str = PLAIN
) -> str:
    """One of LLVM's own functions of floats."""
    own, short = type_of(dtype), f"f{8 * dtype.itemsize}"
    given = ", ".join(f"{own} {each}" for each in x)
    return emit(f"call {flags} {own} @llvm.{name}.{short}({given})")


@cache
def declarations() -> str:
    """The functions that :func:`called` may name."""
    lines = []
    for name in sorted(set(CALLS.values())):
        for own, short in (("float", "f32"), ("double", "f64")):
            count = 2 if name in ("maximum", "minimum") else 1
            lines.append(f"declare {own} @llvm.{name}.{short}({', '.join([own] * count)})")
    return "\n".join(lines)


def cast(x: str, before: DType, after: DType, emit: Emit) -> str:
    """A number in another number type."""
    if before == after:
        return x
    source, target = type_of(before), type_of(after)
    if after.kind == "b":
        test = "fcmp une" if before.kind == "f" else "icmp ne"
        return emit(f"{test} {source} {x}, {literal(0, before)}")
    if after.kind == "f" and before.kind == "f":
        way = "fpext" if after.itemsize > before.itemsize else "fptrunc"
    elif after.kind == "f":
        way = "sitofp" if before.kind == "i" else "uitofp"
    elif before.kind == "b" or after.itemsize > before.itemsize:
        way = "sext" if before.kind == "i" else "zext"
    elif after.itemsize == before.itemsize:
        return x
    else:
        way = "trunc"
    return emit(f"{way} {source} {x} to {target}")


def _compared(op: str, x: Sequence[str], dtype: DType, emit: Emit) -> str:
    relation = RELATIONS[op]
    if dtype.kind == "f":
        ordered = "u" if op == "not_equal" else "o"  # nan differs from everything
        return emit(f"fcmp {ordered}{relation} {type_of(dtype)} {x[0]}, {x[1]}")
    if relation not in ("eq", "ne"):
        relation = ("s" if dtype.kind == "i" else "u") + relation
    return emit(f"icmp {relation} {type_of(dtype)} {x[0]}, {x[1]}")


def _tested(op: str, x: str, dtype: DType, emit: Emit) -> str:
    own = type_of(dtype)
    if op == "isnan":
        return emit(f"fcmp uno {own} {x}, {x}")
    size = called("fabs", [x], dtype, emit)
    relation = "oeq" if op == "isinf" else "olt"
    return emit(f"fcmp {relation} {own} {size}, {literal(np.inf, dtype)}")


def _signed(op: str, x: str, dtype: DType, emit: Emit) -> str:
    own, real = type_of(dtype), dtype.kind == "f"
    if op == "negative":
        return emit(f"fneg {own} {x}" if real else f"sub {own} 0, {x}")
    none = literal(0, dtype)
    above = _compared("greater", (x, none), dtype, emit)
    below = _compared("less", (x, none), dtype, emit)
    rest = emit(f"select i1 {below}, {own} {literal(-1, dtype)}, {own} {x}")
    return emit(f"select i1 {above}, {own} {literal(1, dtype)}, {own} {rest}")


def _bits(op: str, x: str, dtype: DType, emit: Emit) -> str:
    """``power_of_two``: 2**n for a whole n, given as 1.5 * 2**d + n, where d is the number of
    binary digits that the type keeps. ``exponent`` n and ``mantissa`` m of x > 0: x = m 2**n with m
    between 1 and 2.
    """
    own, size = type_of(dtype), 8 * dtype.itemsize
    digits, bias = (23, 127) if size == 32 else (52, 1023)
    word = emit(f"bitcast {own} {x} to i{size}")
    if op == "power_of_two":
        word = emit(f"add i{size} {word}, {bias}")
        word = emit(f"shl i{size} {word}, {digits}")
    elif op == "mantissa":
        word = emit(f"and i{size} {word}, {(1 << digits) - 1}")
        word = emit(f"or i{size} {word}, {bias << digits}")
    else:
        word = emit(f"lshr i{size} {word}, {digits}")
        word = emit(f"sub i{size} {word}, {bias}")
        return emit(f"sitofp i{size} {word} to {own}")
    return emit(f"bitcast i{size} {word} to {own}")
