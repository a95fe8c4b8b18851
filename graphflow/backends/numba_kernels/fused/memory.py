"""How generated loops read and write: arrays by their address, and which of them lie apart.

Every access carries the number of its array. The compiler is told that memory of different numbers
does not overlap, so that loops over many arrays become vector instructions without tests; whoever
binds arrays keeps to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from graphflow.backends.llvm.instructions import Emit, stored_type

Kind = Literal["fixed", "row", "dense", "strided"]
"""How an array lies: the same at all points, within a row, element beside element, or apart."""
MOST = 40
"""How many arrays can be told apart."""


@dataclass(frozen=True)
class Pointer:
    """An array in the table of addresses: its place there, its number type and how it lies."""

    number: int
    dtype: np.dtype[np.generic]
    kind: Kind


def load(pointer: Pointer, base: str, index: str, emit: Emit) -> str:
    """The element of that index."""
    own = stored_type(pointer.dtype)
    place = emit(f"getelementptr inbounds {own}, ptr {base}, i64 {index}")
    value = emit(f"load {own}, ptr {place}{mark(pointer.number)}")
    return emit(f"icmp ne i8 {value}, 0") if pointer.dtype.kind == "b" else value


def store(pointer: Pointer, base: str, index: str, value: str, emit: Emit) -> str:
    """Set the element of that index; the line that does it."""
    own = stored_type(pointer.dtype)
    place = emit(f"getelementptr inbounds {own}, ptr {base}, i64 {index}")
    if pointer.dtype.kind == "b":
        value = emit(f"zext i1 {value} to i8")
    return f"store {own} {value}, ptr {place}{mark(pointer.number)}"


def mark(number: int) -> str:
    """What an access to the array of that number is marked with; 0 are the tables. Arrays beyond
    those that can be told apart have no mark: they may be any.
    """
    if number >= MOST:
        return ""
    return f", !alias.scope !{MOST + 1 + number}, !noalias !{2 * MOST + 1 + number}"


@cache
def marks() -> str:
    """What the marks mean: for each number memory of its own, and that of all others."""
    numbers = range(MOST)
    lines = ["!0 = distinct !{!0}"]
    lines += [f"!{k + 1} = distinct !{{!{k + 1}, !0}}" for k in numbers]
    lines += [f"!{MOST + 1 + k} = !{{!{k + 1}}}" for k in numbers]
    for k in numbers:
        others = ", ".join(f"!{other + 1}" for other in numbers if other != k)
        lines.append(f"!{2 * MOST + 1 + k} = !{{{others}}}")
    return "\n".join(lines)
