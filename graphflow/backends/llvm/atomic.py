"""What kernels say to call by address, and to write memory that several threads write.

An address is that of whole numbers of 64 bits, of which the one at ``place`` is meant. It is an
``int`` to a kernel, since memory of a kernel's own (``Ints``) overlaps no other.
"""

from __future__ import annotations

import platform

from graphflow.backends.llvm.expressions import Expressions, Value
from graphflow.backends.llvm.words import stands_for

PAUSE = "llvm.x86.sse2.pause" if platform.machine() in ("x86_64", "AMD64") else ""
"""What tells a processor that it waits, where there is such an instruction."""


def _pointer(at: Expressions, address: Value) -> str:
    return at.emit(f"inttoptr i64 {address.text} to ptr")


def _place(at: Expressions, address: Value, place: Value) -> str:
    return at.emit(f"getelementptr i64, ptr {_pointer(at, address)}, i64 {place.text}")


def _call(at: Expressions, function: Value, *given: Value) -> None:
    handed = ", ".join(f"i64 {each.text}" for each in given)
    at.lines.append(f"call void {_pointer(at, function)}({handed})")


@stands_for(_call)
def call(function: int, at: int, n: int, part: int) -> None:
    """Call a function (at, n, part)."""
    raise NotImplementedError


def _number(at: Expressions, address: Value, place: Value) -> Value:
    return Value(at.emit(f"load i64, ptr {_place(at, address, place)}"), "int")


@stands_for(_number)
def number(address: int, place: int) -> int:
    """The number that is there."""
    raise NotImplementedError


def _seen(at: Expressions, address: Value, place: Value) -> Value:
    found = at.emit(f"load atomic i64, ptr {_place(at, address, place)} acquire, align 8")
    return Value(found, "int")


@stands_for(_seen)
def seen(address: int, place: int) -> int:
    """The number that is there now; what its writer did before is seen after."""
    raise NotImplementedError


def _tell(at: Expressions, address: Value, place: Value, value: Value) -> None:
    to = _place(at, address, place)
    at.lines.append(f"store atomic i64 {value.text}, ptr {to} release, align 8")


@stands_for(_tell)
def tell(address: int, place: int, value: int) -> None:
    """Write a number for other threads to see."""
    raise NotImplementedError


def _count_up(at: Expressions, address: Value, place: Value) -> Value:
    where = _place(at, address, place)
    return Value(at.emit(f"atomicrmw add ptr {where}, i64 1 acq_rel"), "int")


@stands_for(_count_up)
def count_up(address: int, place: int) -> int:
    """Add 1; the number before. No two threads get the same."""
    raise NotImplementedError


def _pause(at: Expressions) -> None:
    if PAUSE:
        at.lines.append(f"call void @{PAUSE}()")


@stands_for(_pause)
def pause() -> None:
    """Wait for some cycles."""
    raise NotImplementedError


def _give_way(at: Expressions, function: Value) -> None:
    at.emit(f"call i32 {_pointer(at, function)}()")


@stands_for(_give_way)
def give_way(function: int) -> None:
    """Call the system's function that lets others have the processor, by its address."""
    raise NotImplementedError


def _share_out(at: Expressions, loop: Value, *given: Value) -> None:
    """Numba's ``parallel_for(function, arguments, turns, steps, data, axes, arrays, threads)``."""
    function, arguments, count, turns, threads = given
    steps = at.alloca("int", int(count.text))
    at.lines.append(f"store [{count.text} x i64] zeroinitializer, ptr {steps}")
    sizes = at.alloca("int")
    at.lines.append(f"store i64 {turns.text}, ptr {sizes}")
    handed = (
        f"ptr {_pointer(at, function)}, ptr {_pointer(at, arguments)}, ptr {sizes}, ptr {steps}, "
        f"ptr null, i64 0, i64 {count.text}, i64 {threads.text}"
    )
    at.lines.append(f"call void {_pointer(at, loop)}({handed})")


@stands_for(_share_out)
def share_out(
    loop: int, function: int, arguments: int, count: int, turns: int, threads: int
) -> None:
    """Call a function so many times, on so many threads, by the loop of a pool of threads that lies
    at ``loop``. Each call is given the ``count`` numbers that stand at ``arguments``, which is
    written out.
    """
    raise NotImplementedError
