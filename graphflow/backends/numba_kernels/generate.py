"""Python source of the loops that compute a fused node, for Numba to compile.

    for each row:                       # its place follows from its number
        for j in range(inner): ...      # sums over the row that something waits for
        for j in range(inner): ...      # what waits for them, results, sums over rows

Equal nodes of other sizes have the same source: sizes, strides and addresses are read from tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from graphflow.backends.numba_kernels.expressions import cast, expression, join, number, start
from graphflow.backends.numba_kernels.lowering import (
    Lowered,
    Result,
    Total,
    Use,
    is_row_total,
    turns_of,
)
from graphflow.backends.numba_kernels.tracing import Scalar

Kind = Literal["fixed", "row", "dense", "strided"]
"""How an array lies: the same at all points, within a row, element beside element, or apart."""
HEAD = """\
from graphflow.backends.numba_kernels.generated import *


@loops
def kernel(at, n, part):
"""


@dataclass(frozen=True)
class Pointer:
    """An array in the table of addresses: its place there, its number type and how it lies."""

    number: int
    dtype: str
    kind: Kind


@dataclass(frozen=True)
class End:
    """A reduction over rows: parts are summed up in ``parts`` and joined into the result.

    ``across``: the inner axis is among those that are taken away.
    """

    result: Result
    parts: Pointer
    out: Pointer
    across: bool


@dataclass(frozen=True)
class Program:
    """What the source is made of: scalars, and the array that each operand and result is."""

    lowered: Lowered
    outer: int
    uses: Mapping[Use, Pointer]
    outs: Mapping[int, Pointer]
    ends: tuple[End, ...]
    stores: Mapping[Scalar, Pointer]


@dataclass(frozen=True)
class Source:
    """The text of a function, and what its table of sizes holds."""

    text: str
    sizes: tuple[str, ...]


def source(program: Program) -> Source:
    """The source of a program."""
    return _Writer(program).written()


@dataclass
class _Turn:
    """One loop over a row: lines before it, in it, and after it."""

    before: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    names: dict[Scalar, str] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)
    """Lines at the end of each turn of the loop: nothing is written before all is read."""


class _Writer:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.lowered = program.lowered
        roots = [r.scalar for r in self.lowered.results]
        roots = [r.args[0] if r.op == "total" and not self.is_row(r) else r for r in roots]
        self.turns = turns_of(roots)
        self.loops = [_Turn() for _ in range(max(self.turns.values(), default=0) + 1)]
        self.sizes = ["inner", "rows", "count", "total"]
        self.start: list[str] = []
        self.end: list[str] = []
        self.places: dict[int, None] = {}
        self.names: dict[Scalar, str] = {}
        self.levels: dict[Scalar, int] = {}
        self.fresh = 0

    def is_row(self, scalar: Scalar) -> bool:
        return is_row_total(scalar, self.lowered)

    def name(self, letter: str = "v") -> str:
        self.fresh += 1
        return f"{letter}{self.fresh}"

    def size(self, name: str) -> str:
        """A number of the table of sizes, by name."""
        if name not in self.sizes:
            self.sizes.append(name)
        return name

    # -- what varies ---------------------------------------------------------------------------
    def level(self, scalar: Scalar) -> int:
        """0: the same at all points, 1: within a row, 2: another at each point."""
        if scalar not in self.levels:
            self.levels[scalar] = self._level(scalar)
        return self.levels[scalar]

    def _level(self, scalar: Scalar) -> int:
        if scalar.op == "input":
            kind = self.program.uses[scalar.extra].kind  # type: ignore[index]
            return {"fixed": 0, "row": 1, "dense": 2, "strided": 2}[kind]
        if scalar.op in ("total", "take"):
            return 1
        return 2 if scalar.op == "here" else max(map(self.level, scalar.args), default=0)

    # -- expressions ---------------------------------------------------------------------------
    def value(self, scalar: Scalar, turn: int) -> str:
        """The name of a scalar's value in a turn; lines that compute it are written."""
        if scalar.op == "number":
            return number(scalar)
        level = self.level(scalar)
        if level < 2 and scalar in self.names:
            return self.names[scalar]
        if level == 0:
            self.names[scalar] = self.line(self.start, scalar, turn)
            return self.names[scalar]
        if level == 1:
            known = self.turns[scalar]
            self.names[scalar] = self.line(self.loops[known].before, scalar, known)
            return self.names[scalar]
        loop = self.loops[turn]
        if scalar not in loop.names:
            stored = self.program.stores.get(scalar)
            if stored is not None and self.turns[scalar] < turn:
                loop.names[scalar] = self.assign(loop.inside, self.element(stored, "j"))
            else:
                loop.names[scalar] = self.line(loop.inside, scalar, turn)
        return loop.names[scalar]

    def line(self, lines: list[str], scalar: Scalar, turn: int) -> str:
        if scalar.op == "total":
            return self.row_total(scalar)
        if scalar.op == "take":
            return self.taken(scalar, turn)
        if scalar.op == "input":
            pointer = self.program.uses[scalar.extra]  # type: ignore[index]
            return self.assign(lines, self.element(pointer, "j"))
        if scalar.op == "here":
            place = self.place(scalar.args[0], turn, bool(scalar.extra))
            return self.assign(lines, f"j == {place}")
        operands = [self.value(x, turn) for x in scalar.args]
        return self.assign(lines, expression(scalar, operands))

    def assign(self, lines: list[str], expression: str) -> str:
        name = self.name()
        lines.append(f"{name} = {expression}")
        return name

    def element(self, pointer: Pointer, j: str) -> str:
        k, dtype = pointer.number, pointer.dtype
        return f"read(a{k}, {self.index(pointer, j)}, {k}, '{dtype}')"

    def index(self, pointer: Pointer, j: str) -> str:
        k = pointer.number
        if pointer.kind == "fixed":
            self.address(pointer)
            return "0"
        self.place_of(pointer)
        if pointer.kind == "row":
            return f"o{k}"
        return f"o{k} + {j}" if pointer.kind == "dense" else f"o{k} + {j} * {self.size(f's{k}_j')}"

    def address(self, pointer: Pointer) -> None:
        line = f"a{pointer.number} = read(at, {pointer.number}, 0, 'int64')"
        if line not in self.start:
            self.start.insert(0, line)

    def place_of(self, pointer: Pointer) -> None:
        self.address(pointer)
        self.places[pointer.number] = None

    # -- reductions and choices by position ----------------------------------------------------
    def row_total(self, scalar: Scalar) -> str:
        """A reduction over a row: a loop before the turn in which it is known."""
        total, (operand,) = scalar.extra, scalar.args
        assert isinstance(total, Total)
        turn = self.turns[operand]
        loop, name = self.loops[turn], self.name("t")
        loop.before.append(f"{name} = {start(total.kind, scalar.dtype)}")
        value = self.value(operand, turn)
        loop.last.append(f"{name} = {join(total.kind, scalar.dtype, name, value)}")
        if total.kind == "mean":
            loop.after.append(f"{name} = {name} / {cast(scalar.dtype, 'inner')}")
        return name

    def place(self, scalar: Scalar, turn: int, negative: bool) -> str:
        """A checked position within a row, kept inside it."""
        lines = self.loops[turn].before
        given = self.value(scalar, turn)
        name = self.assign(lines, f"np.int64({given})")
        if negative:
            name = self.assign(lines, f"{name} + inner if {name} < 0 else {name}")
        lines += [f"if {name} < 0 or {name} >= inner:", "    write(at, 0, 1, 0, 'int64')"]
        return self.assign(lines, f"min(max({name}, 0), inner - 1)")

    def taken(self, scalar: Scalar, turn: int) -> str:
        """One element of a row: what computes it, at its position alone."""
        value, place = scalar.args
        j = self.place(place, turn, bool(scalar.extra))
        names: dict[Scalar, str] = {}
        lines = self.loops[turn].before

        def at(each: Scalar) -> str:
            if self.level(each) < 2:
                return self.value(each, turn)
            if each not in names:
                if each.op == "input":
                    pointer = self.program.uses[each.extra]  # type: ignore[index]
                    names[each] = self.assign(lines, self.element(pointer, j))
                else:
                    names[each] = self.assign(lines, expression(each, [at(x) for x in each.args]))
            return names[each]

        return at(value)

    # -- results -------------------------------------------------------------------------------
    def write(self, pointer: Pointer, value: str, j: str = "j") -> str:
        k = pointer.number
        return f"write(a{k}, {self.index(pointer, j)}, {value}, {k}, '{pointer.dtype}')"

    def results(self) -> None:
        for scalar, pointer in self.program.stores.items():
            turn = self.turns[scalar]
            value = self.value(scalar, turn)
            self.loops[turn].last.append(self.write(pointer, value))
        ended = {end.result.part for end in self.program.ends}
        for result in self.lowered.results:
            if result.part in ended:
                continue
            pointer, turn = self.program.outs[result.part], self.turns[result.scalar]
            if self.program.stores.get(result.scalar) == pointer:
                continue
            if result.whole:
                value = self.value(result.scalar, turn)
                self.loops[turn].last.append(self.write(pointer, value))
            else:
                self.end.append(self.write(pointer, self.value(result.scalar, turn)))
        for end in self.program.ends:
            self.reduced(end)

    def reduced(self, end: End) -> None:
        """A reduction over rows: this part's share of it."""
        scalar, parts = end.result.scalar, end.parts
        total, (operand,) = scalar.extra, scalar.args
        assert isinstance(total, Total)
        turn, dtype = self.turns[operand], np.dtype(parts.dtype)
        value = self.value(operand, turn)
        if total.whole and not end.across:
            joined = join(total.kind, dtype, self.element(parts, "j"), value)
            self.loops[turn].last.append(self.write(parts, joined))
            return
        if total.whole:
            name = self.name("t")
            self.loops[turn].before.append(f"{name} = {start(total.kind, scalar.dtype)}")
            self.loops[turn].last.append(f"{name} = {join(total.kind, scalar.dtype, name, value)}")
            value = name
        joined = join(total.kind, dtype, self.element(parts, "0"), cast(dtype, value))
        self.end.append(self.write(parts, joined, "0"))

    # -- the whole -----------------------------------------------------------------------------
    def written(self) -> Source:
        self.results()
        body = [*self.rows()]
        places = [f"o{k} = {self.placeexpression(k)}" for k in self.places]
        loops = [line for loop in self.loops for line in _lines(loop)]
        row = [*_where(self.program.outer), *places, *loops, *self.end]
        for d in range(1, self.program.outer):
            self.size(f"n{d}")
        finish, begin = list(self.finish()), list(self.begin())
        sizes = [f"{s} = read(n, {i}, 0, 'int64')" for i, s in enumerate(self.sizes)]
        lines = [*sizes, *finish, *self.start, *begin, *body, *_indented(row)]
        return Source(HEAD + "\n".join(_indented(lines)) + "\n", tuple(self.sizes))

    def rows(self) -> Iterator[str]:
        yield "first, beyond = rows * part // count, rows * (part + 1) // count"
        yield "for r in range(first, beyond):"
        yield "    m = min(inner, total - r * inner)"

    def placeexpression(self, k: int) -> str:
        steps = [f"i{d} * {self.size(f's{k}_{d}')}" for d in range(self.program.outer)]
        return " + ".join(steps)

    def begin(self) -> Iterator[str]:
        """Each part sums up in memory of its own."""
        for end in self.program.ends:
            k, size = end.parts.number, self.size(f"z{end.parts.number}")
            yield f"a{k} = a{k} + part * {size} * {np.dtype(end.parts.dtype).itemsize}"
            yield f"for i in range({size}):"
            total = end.result.scalar.extra
            assert isinstance(total, Total)
            nothing = start(total.kind, np.dtype(end.parts.dtype))
            yield f"    write(a{k}, i, {nothing}, {k}, '{end.parts.dtype}')"
        kept = {p.number: p for s, p in self.program.stores.items() if p not in self.outs()}
        for k, pointer in kept.items():
            yield f"a{k} = a{k} + part * inner * {np.dtype(pointer.dtype).itemsize}"

    def outs(self) -> list[Pointer]:
        return list(self.program.outs.values())

    def finish(self) -> Iterator[str]:
        """The last call joins what the parts have summed up, always in the same order."""
        if not self.program.ends:
            return
        yield "if part < 0:"
        for end in self.program.ends:
            k, o, size = end.parts.number, end.out.number, self.size(f"z{end.parts.number}")
            dtype, total = np.dtype(end.parts.dtype), end.result.scalar.extra
            assert isinstance(total, Total)
            yield f"    a{k}, a{o} = read(at, {k}, 0, 'int64'), read(at, {o}, 0, 'int64')"
            yield f"    for i in range({size}):"
            yield f"        t = read(a{k}, i, {k}, '{dtype}')"
            yield "        for c in range(1, count):"
            other = f"read(a{k}, c * {size} + i, {k}, '{dtype}')"
            yield f"            t = {join(total.kind, dtype, 't', other)}"
            if total.kind == "mean":
                yield f"        t = t / {cast(dtype, self.size(f'c{k}'))}"
            value = cast(end.result.scalar.dtype, "t")
            yield f"        write(a{o}, i, {value}, {o}, '{end.out.dtype}')"
        yield "    return"


def _lines(loop: _Turn) -> Iterator[str]:
    yield from loop.before
    if loop.last:
        yield "for j in range(m):"
        yield from _indented([*loop.inside, *loop.last])
    yield from loop.after


def _where(outer: int) -> Iterator[str]:
    """The place of row r along each outer axis."""
    rest = "r"
    for d in range(outer - 1, 0, -1):
        yield f"q{d} = {rest} // n{d}"
        yield f"i{d} = {rest} - q{d} * n{d}"
        rest = f"q{d}"
    yield f"i0 = {rest}"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
