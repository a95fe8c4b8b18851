"""What kernels can say besides plain Python: see :mod:`native`.

Each of these functions stands for instructions, which its second half writes down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from llvmlite import binding
from numba.extending import get_cython_function_address

from graphflow.backends.llvm.expressions import LANES, Expressions, Value
from graphflow.backends.llvm.instructions import literal, type_of
from graphflow.ops.op import Array

__all__ = [
    "LANES", "Ints", "Lanes", "Reals", "apart", "beyond", "copy_lanes", "gemm", "gemm_at", "lanes",
    "put", "put_whole", "repeated", "room", "total", "transpose_lanes",
]  # fmt: skip

Reals = Array
"""Memory of numbers of the type that is computed with."""
Ints = Array
"""Memory of whole numbers of 64 bits."""
Lanes = Array
"""``LANES`` numbers in a register; a number beside them is in all of them."""
F = TypeVar("F", bound=Callable[..., object])
Writes = Callable[..., Value | None]


def stands_for(instructions: Writes) -> Callable[[F], F]:
    """Decorator: what a function is to the compiler."""

    def named(function: F) -> F:
        function.instructions = instructions  # type: ignore[attr-defined]
        return function

    return named


def apart(function: F) -> F:
    """Decorator: a function long enough to be called where it is used, not written out there."""
    function.apart = True  # type: ignore[attr-defined]
    return function


def _room(at: Expressions, count: Value) -> Value:
    return Value(at.alloca("float", int(count.text)), "reals")


@stands_for(_room)
def room(count: int) -> Reals:
    """Memory for a few numbers, as long as the function runs."""
    raise NotImplementedError


def _beyond(at: Expressions, array: Value, index: Value) -> Value:
    return Value(at.place(array, index), array.kind)


@stands_for(_beyond)
def beyond(array: Array, index: int) -> Array:
    """Memory from one of its elements on."""
    raise NotImplementedError


def _row(at: Expressions, array: Value, index: Value) -> tuple[str, str]:
    """``LANES`` numbers from an index on, for an instruction: type and place."""
    own = type_of(at.dtype)
    return f"ptr {at.place(array, index)}, align {at.dtype.itemsize}", f"<{LANES} x {own}>"


def _lanes(at: Expressions, array: Value, index: Value) -> Value:
    place, own = _row(at, array, index)
    return Value(at.emit(f"load {own}, {place}"), "lanes")


@stands_for(_lanes)
def lanes(array: Reals, at: int) -> Lanes:
    """``array[at : at + LANES]``."""
    raise NotImplementedError


def _put(at: Expressions, target: Value, to: Value, numbers: Value) -> None:
    place, _ = _row(at, target, to)
    at.lines.append(f"store {at.typed(numbers)}, {place}")


@stands_for(_put)
def put(target: Reals, to: int, numbers: Lanes) -> None:
    """``target[to : to + LANES] = numbers``."""
    raise NotImplementedError


def _put_whole(at: Expressions, target: Value, to: Value, numbers: Value) -> None:
    short, long = f"<{LANES} x i32>", f"<{LANES} x i64>"
    whole = at.emit(f"fptosi {at.typed(numbers)} to {short}")
    place = at.place(target, to)
    wide = at.emit(f"sext {short} {whole} to {long}")
    at.lines.append(f"store {long} {wide}, ptr {place}, align 8")


@stands_for(_put_whole)
def put_whole(target: Ints, to: int, numbers: Lanes) -> None:
    """The same for lanes that hold whole numbers, of at most 31 bits."""
    raise NotImplementedError


@stands_for(Expressions.repeated)
def repeated(number: float) -> Lanes:
    """A number in all lanes."""
    raise NotImplementedError


def _total(at: Expressions, numbers: Value) -> Value:
    own, shown = type_of(at.dtype), at.typed(numbers)
    zero = literal(0, at.dtype)
    function = f"@llvm.vector.reduce.fadd.v{LANES}f{8 * at.dtype.itemsize}"
    return Value(at.emit(f"call reassoc {own} {function}({own} {zero}, {shown})"), "float")


@stands_for(_total)
def total(numbers: Lanes) -> float:
    """The sum of all lanes, in pairs of pairs."""
    raise NotImplementedError


def _copy(at: Expressions, target: Value, to: Value, source: Value, index: Value) -> None:
    _put(at, target, to, _lanes(at, source, index))


@stands_for(_copy)
def copy_lanes(target: Reals, to: int, source: Reals, at: int) -> None:
    """``target[to : to + LANES] = source[at : at + LANES]``."""
    raise NotImplementedError


def _exchanged(
    at: Expressions, target: Value, to: Value, across: Value, source: Value, index: Value,
    down: Value,
) -> None:  # fmt: skip
    rows = []
    for i in range(LANES):
        step = at.emit(f"mul nsw i64 {down.text}, {i}")
        place, own = _row(at, source, Value(at.emit(f"add nsw i64 {index.text}, {step}"), "int"))
        rows.append(at.emit(f"load {own}, {place}"))
    half = LANES // 2
    while half:
        low = [j if not j & half else LANES + j - half for j in range(LANES)]
        high = [j + half if not j & half else LANES + j for j in range(LANES)]
        for i in range(LANES):
            if not i & half:
                pair = f"{own} {rows[i]}, {own} {rows[i + half]}"
                for where, lanes in ((i, low), (i + half, high)):
                    mask = ", ".join(f"i32 {j}" for j in lanes)
                    rows[where] = at.emit(f"shufflevector {pair}, <{LANES} x i32> <{mask}>")
        half //= 2
    for i, found in enumerate(rows):
        step = at.emit(f"mul nsw i64 {across.text}, {i}")
        place, own = _row(at, target, Value(at.emit(f"add nsw i64 {to.text}, {step}"), "int"))
        at.lines.append(f"store {own} {found}, {place}")


@stands_for(_exchanged)
def transpose_lanes(target: Reals, to: int, across: int, source: Reals, at: int, down: int) -> None:
    """A square of ``LANES`` rows, ``down`` apart in the source, as columns of the target, the rows
    of which are ``across`` apart.

    Squares of half the size change places, then those inside of them, down to single numbers.
    """
    raise NotImplementedError


for _name in ("sgemm", "dgemm"):  # of the BLAS that SciPy brings
    _address = get_cython_function_address("scipy.linalg.cython_blas", _name)
    binding.add_symbol(f"graphflow_{_name}", _address)


def _routine(at: Expressions) -> str:
    return f"@graphflow_{'s' if at.dtype.itemsize == 4 else 'd'}gemm"


def _gemm(at: Expressions, first: Value, second: Value, *values: Value) -> None:
    n, m, k, y, ldy, x, ldx, again, out, ldo = values
    own, handed = type_of(at.dtype), []
    for given in (first, second, n, m, k, ldy, ldx, ldo):
        slot = f"%{at.name('room')}"
        at.start.append(f"{slot} = alloca i32")
        at.lines.append(f"store i32 {at.emit(f'trunc i64 {given.text} to i32')}, ptr {slot}")
        handed.append(slot)
    alpha, beta = at.alloca("float"), at.alloca("float")
    at.lines.append(f"store {own} {literal(1, at.dtype)}, ptr {alpha}")
    at.lines.append(f"store {at.typed(at.real(again))}, ptr {beta}")
    one, two, *sizes, ldy_, ldx_, ldo_ = handed
    order = [one, two, *sizes, alpha, y.text, ldy_, x.text, ldx_, beta, out.text, ldo_]
    at.lines.append(f"call void {_routine(at)}({', '.join(f'ptr {each}' for each in order)})")


@stands_for(_gemm)
def gemm(
    first: int, second: int, n: int, m: int, k: int, y: Reals, ldy: int, x: Reals, ldx: int,
    beta: int, out: Reals, ldo: int,
) -> None:  # fmt: skip
    """BLAS: out' = y' x' + beta out', by columns; ``first`` and ``second`` are its letters."""
    raise NotImplementedError


def _gemm_at(at: Expressions, table: Value, index: Value) -> None:
    handed = []
    for i in range(13):
        where = at.emit(f"add nsw i64 {index.text}, {i}")
        handed.append(at.emit(f"load ptr, ptr {at.place(table, Value(where, 'int'))}"))
    at.lines.append(f"call void {_routine(at)}({', '.join(f'ptr {each}' for each in handed)})")


@stands_for(_gemm_at)
def gemm_at(table: Ints, at: int) -> None:
    """The same with 13 addresses that stand in a table, in BLAS's order."""
    raise NotImplementedError
