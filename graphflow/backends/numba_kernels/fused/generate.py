"""The loops that compute a fused node, as a function for LLVM to compile.

    for each row:                       # its place follows from its number
        for j in range(inner): ...      # sums over the row that something waits for
        for j in range(inner): ...      # what waits for them, results, sums over rows

Equal nodes of other sizes have the same text: sizes, strides and addresses are read from tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from graphflow.backends.elements.lowering import JOINS, STARTS, Lowered, Result, Total, Use
from graphflow.backends.elements.tracing import Scalar
from graphflow.backends.llvm.instructions import (
    LOOSE,
    DType,
    Emit,
    cast,
    combined,
    emitted,
    literal,
    type_of,
)
from graphflow.backends.numba_kernels.fused.functions import FUNCTIONS, written_out
from graphflow.backends.numba_kernels.fused.memory import Pointer, load, mark, store

INT64 = np.dtype(np.int64)


@dataclass(frozen=True)
class End:
    """A reduction over rows: parts are summed up in ``parts`` and joined into the result.

    ``across``: the inner axis is among those that are taken away.
    """

    result: Result
    parts: Pointer
    out: Pointer
    across: bool

    @property
    def total(self) -> Total:
        """What is reduced, and how."""
        assert isinstance(self.result.scalar.extra, Total)
        return self.result.scalar.extra


@dataclass(frozen=True)
class Program:
    """What the loops are made of: scalars, and the array that each operand and result is.

    ``short``: rows that are no longer than a few vector registers, and dear to compute.
    """

    lowered: Lowered
    outer: int
    short: bool
    uses: Mapping[Use, Pointer]
    outs: Mapping[int, Pointer]
    ends: tuple[End, ...]
    stores: Mapping[Scalar, Pointer]


@dataclass
class Turn:
    """One loop over a row: lines before it, in it, and after it."""

    number: int
    before: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    """Lines at the end of each turn of the loop: nothing is written before all is read."""
    after: list[str] = field(default_factory=list)
    names: dict[Scalar, str] = field(default_factory=dict)


class Writer:
    """Writes lines of a function into its parts, each value once."""

    def __init__(self, program: Program) -> None:
        self.program, self.lowered = program, program.lowered
        self.turns: list[Turn] = [Turn(0)]
        self.sizes = ["inner", "rows", "count", "total"]
        self.start: list[str] = []
        self.end: list[str] = []
        self.bases: dict[int, str] = {}
        self.places: dict[int, None] = {}
        self.rooms: dict[str, str] = {}
        self.names: dict[Scalar, str] = {}
        self.levels: dict[Scalar, int] = {}
        self.known: dict[Scalar, int] = {}
        self.count = 0

    def name(self, letter: str = "v") -> str:
        """A name that no other value has."""
        self.count += 1
        return f"%{letter}{self.count}"

    def into(self, lines: list[str]) -> Emit:
        """Instructions go into these lines."""

        def emit(instruction: str) -> str:
            name = self.name()
            lines.append(f"{name} = {instruction}")
            return name

        return emit

    def size(self, name: str) -> str:
        """A number of the table of sizes, by name."""
        if name not in self.sizes:
            self.sizes.append(name)
        return f"%{name}"

    def turn(self, number: int) -> Turn:
        while len(self.turns) <= number:
            self.turns.append(Turn(len(self.turns)))
        return self.turns[number]

    # -- what varies, and when it is known -----------------------------------------------------
    def level(self, scalar: Scalar) -> int:
        """0: the same at all points, 1: within a row, 2: another at each point."""
        if scalar not in self.levels:
            self.levels[scalar] = self._level(scalar)
        return self.levels[scalar]

    def _level(self, scalar: Scalar) -> int:
        if isinstance(scalar.extra, Use):
            kind = self.program.uses[scalar.extra].kind
            return {"fixed": 0, "row": 1, "dense": 2, "strided": 2}[kind]
        if scalar.op in ("total", "take"):
            return 1
        return 2 if scalar.op == "here" else max(map(self.level, scalar.args), default=0)

    def since(self, scalar: Scalar) -> int:
        """The turn over a row at which a scalar is known: a reduction one after its operand."""
        if scalar not in self.known:
            latest = max(map(self.since, scalar.args), default=0)
            self.known[scalar] = latest + (scalar.op == "total")
        return self.known[scalar]

    # -- values --------------------------------------------------------------------------------
    def value(self, scalar: Scalar, number: int) -> str:
        """The name of a scalar's value in a turn; lines that compute it are written."""
        if scalar.op == "number":
            return literal(scalar.extra, scalar.dtype)
        level = self.level(scalar)
        if level < 2:
            if scalar not in self.names:
                since = self.since(scalar)
                lines = self.turn(since).before if level else self.start
                self.names[scalar] = self.computed(lines, scalar, since)
            return self.names[scalar]
        turn = self.turn(number)
        if scalar not in turn.names:
            stored = self.program.stores.get(scalar)
            if stored is not None and self.since(scalar) < number:
                turn.names[scalar] = self.element(turn.inside, stored, f"%j{number}")
            else:
                turn.names[scalar] = self.computed(turn.inside, scalar, number)
        return turn.names[scalar]

    def computed(self, lines: list[str], scalar: Scalar, number: int) -> str:
        if scalar.op == "total":
            return self.row_total(scalar)
        if scalar.op == "take":
            return self.taken(scalar, number)
        if isinstance(scalar.extra, Use):
            return self.element(lines, self.program.uses[scalar.extra], f"%j{number}")
        if scalar.op == "here":
            place = self.place(scalar.args[0], number, bool(scalar.extra))
            return self.into(lines)(f"icmp eq i64 %j{number}, {place}")
        if scalar.op in FUNCTIONS:
            return self.value(written_out(scalar), number)
        operands = [self.value(x, number) for x in scalar.args]
        return self.emitted(scalar, operands, lines)

    def emitted(self, scalar: Scalar, operands: list[str], lines: list[str]) -> str:
        """A scalar's value from those of what it reads."""
        kind = scalar.args[0].dtype
        return emitted(scalar.op, kind, scalar.dtype, operands, self.into(lines))

    def element(self, lines: list[str], pointer: Pointer, j: str) -> str:
        emit = self.into(lines)
        return load(pointer, self.base(pointer), self.index(pointer, j, emit), emit)

    def index(self, pointer: Pointer, j: str, emit: Emit) -> str:
        if pointer.kind == "fixed":
            return "0"
        k = pointer.number
        self.places[k] = None
        if pointer.kind == "strided":
            j = emit(f"mul i64 {j}, {self.size(f's{k}_j')}")
        return f"%o{k}" if pointer.kind == "row" else emit(f"add i64 %o{k}, {j}")

    def base(self, pointer: Pointer) -> str:
        """The address of an array."""
        k = pointer.number
        if k not in self.bases:
            self.bases[k] = f"%a{k}"
        return self.bases[k]

    # -- reductions over a row, and choices by position ----------------------------------------
    def room(self, dtype: DType) -> str:
        """A place for a number that changes from turn to turn of a loop."""
        name = self.name("t")
        self.rooms[name] = type_of(dtype)
        return name

    def summed(self, kind: str, operand: Scalar, dtype: DType) -> str:
        """The reduction of a scalar over one row, known after the loop."""
        number = self.since(operand)
        turn, own, room = self.turn(number), type_of(dtype), self.room(dtype)
        turn.before.append(f"store {own} {literal(_start(kind, dtype), dtype)}, ptr {room}")
        value, emit = self.value(operand, number), self.into(turn.last)
        before = emit(f"load {own}, ptr {room}")
        joined = combined(JOINS[kind], (before, value), dtype, emit, LOOSE)
        turn.last.append(f"store {own} {joined}, ptr {room}")
        return self.into(turn.after)(f"load {own}, ptr {room}")

    def row_total(self, scalar: Scalar) -> str:
        assert isinstance(scalar.extra, Total)
        (operand,), dtype = scalar.args, scalar.dtype
        found = self.summed(scalar.extra.kind, operand, dtype)
        if scalar.extra.kind != "mean":
            return found
        emit = self.into(self.turn(self.since(operand)).after)
        return combined("divide", (found, cast("%inner", INT64, dtype, emit)), dtype, emit)

    def place(self, scalar: Scalar, number: int, negative: bool) -> str:
        """A position within a row, kept inside it; each part tells of one that was not."""
        given = self.value(scalar, number)
        emit = self.into(self.turn(number).before)
        found = cast(given, scalar.dtype, INT64, emit)
        if negative:
            below, moved = emit(f"icmp slt i64 {found}, 0"), emit(f"add i64 {found}, %inner")
            found = emit(f"select i1 {below}, i64 {moved}, i64 {found}")
        good = emit(f"icmp ult i64 {found}, %inner")
        own = emit(f"getelementptr i64, ptr {emit(f'load ptr, ptr %at{mark(0)}')}, i64 %part")
        before = emit(f"load i64, ptr {own}{mark(0)}")
        told = emit(f"select i1 {good}, i64 {before}, i64 1")
        self.turn(number).before.append(f"store i64 {told}, ptr {own}{mark(0)}")
        return emit(f"select i1 {good}, i64 {found}, i64 0")

    def taken(self, scalar: Scalar, number: int) -> str:
        """One element of a row: what computes it, at its position alone."""
        value, where = scalar.args
        j = self.place(where, number, bool(scalar.extra))
        names: dict[Scalar, str] = {}
        lines = self.turn(number).before

        def at(each: Scalar) -> str:
            if self.level(each) < 2:
                return self.value(each, number)
            if each not in names:
                if isinstance(each.extra, Use):
                    names[each] = self.element(lines, self.program.uses[each.extra], j)
                elif each.op in FUNCTIONS:
                    names[each] = at(written_out(each))
                else:
                    names[each] = self.emitted(each, [at(x) for x in each.args], lines)
            return names[each]

        return at(value)

    # -- results -------------------------------------------------------------------------------
    def write(self, lines: list[str], pointer: Pointer, value: str, j: str) -> None:
        emit = self.into(lines)
        index = self.index(pointer, j, emit)
        lines.append(store(pointer, self.base(pointer), index, value, emit))

    def results(self) -> None:
        """Everything that is written to memory, and what it needs."""
        for scalar, pointer in self.program.stores.items():
            number = self.since(scalar)
            self.write(self.turn(number).last, pointer, self.value(scalar, number), f"%j{number}")
        ended = {end.result.part for end in self.program.ends}
        for result in self.lowered.results:
            pointer, scalar = self.program.outs[result.part], result.scalar
            if result.part in ended or self.program.stores.get(scalar) == pointer:
                continue
            number = self.since(scalar)
            lines = self.turn(number).last if result.whole else self.end
            self.write(lines, pointer, self.value(scalar, number), f"%j{number}")
        for end in self.program.ends:
            self.reduced(end)

    def reduced(self, end: End) -> None:
        """A reduction over rows: this part's share of it."""
        scalar, parts, total = end.result.scalar, end.parts, end.total
        (operand,) = scalar.args
        number = self.since(operand)
        lines = self.end
        if total.whole and end.across:
            value = self.summed(total.kind, operand, scalar.dtype)
        else:
            value = self.value(operand, number)
            lines = self.turn(number).last if total.whole else self.end
        emit, j = self.into(lines), f"%j{number}"
        value = cast(value, scalar.dtype, parts.dtype, emit)
        before = self.element(lines, parts, j)
        joined = combined(JOINS[total.kind], (before, value), parts.dtype, emit, LOOSE)
        self.write(lines, parts, joined, j)


def row_places(writer: Writer) -> Iterator[str]:
    """Where each array's row r begins, from its place along each outer axis."""
    rest = "%r"
    outer = writer.program.outer
    for d in range(outer - 1, 0, -1):
        size = writer.size(f"n{d}")
        yield f"%q{d} = udiv i64 {rest}, {size}"
        yield f"%w{d} = mul i64 %q{d}, {size}"
        yield f"%i{d} = sub i64 {rest}, %w{d}"
        rest = f"%q{d}"
    for k in writer.places:
        yield f"%o{k}_0 = mul i64 {rest}, {writer.size(f's{k}_0')}"
        for d in range(1, outer):
            yield f"%x{k}_{d} = mul i64 %i{d}, {writer.size(f's{k}_{d}')}"
            yield f"%o{k}_{d} = add i64 %o{k}_{d - 1}, %x{k}_{d}"
        yield f"%o{k} = add i64 %o{k}_{outer - 1}, 0"


def _start(kind: str, dtype: DType) -> float:
    """What a reduction of nothing is."""
    return STARTS[kind] if dtype.kind == "f" or kind in ("sum", "mean") else 0
