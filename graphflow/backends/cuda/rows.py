"""Kernels over rows: some threads, a warp or less, or a whole block, go through a row together.

A row is gone through once for each reduction over it that something waits for; what is the same
all over a row is computed by each of its threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphflow.backends.cuda.arrays import Arrays, View, Walk, offset
from graphflow.backends.cuda.instructions import JOINED, DType, literal, stored, type_of
from graphflow.backends.cuda.mapped import width_of
from graphflow.backends.cuda.writing import Kernel, Launch, Scope, counted
from graphflow.backends.elements.lowering import JOINS, STARTS, Total
from graphflow.backends.elements.tracing import Scalar

THREADS = 256
WARP = 32
FEW, MANY = 1024, 8192
"""Elements of a row up to which a warp takes it; up to which a block of :data:`THREADS` does."""


@dataclass
class Turn:
    """One loop over a row: what is the same in all of it is computed before, sums after it."""

    row: Scope
    points: Scope
    starts: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)


class Rows:
    """Writes the kernel of a node's results that have an element for each point or each row, and of
    ``kept``, what kernels of sums want to know of each row.
    """

    def __init__(self, arrays: Arrays, kept: Mapping[Scalar, View]) -> None:
        self.arrays, self.kept = arrays, kept
        space, end = arrays.lowered.space, arrays.end
        direct = [r for r in arrays.lowered.results if not is_sum(r.scalar, arrays)]
        columns = arrays.columns([*(r.scalar for r in direct), *kept], {})
        columns += [v.strides for v in (*arrays.written.values(), *kept.values())]
        self.outer = Walk.over(range(end), space, columns)
        self.inner = Walk.over(range(end, len(space)), space, columns)
        self.width = width_of(self.inner, arrays)
        self.group, self.threads = _shared_out(self.inner.count, self.width)
        self.kernel = Kernel(arrays, {})
        self.at, self.places = self.outer.apart("row", "r", self.kernel.own)
        self.turns: list[Turn] = []
        self.known: dict[Scalar, int] = {}
        self.names: dict[Scalar, str] = {}
        self.shared: dict[str, str] = {}

    def turn(self, number: int) -> Turn:
        while len(self.turns) <= number:
            t = len(self.turns)
            at, lines = self.inner.apart("j", f"j{t}_", self.kernel.own)
            points = _Points(self, t, {**self.at, **at}, self.inner.groups[-1][-1], self.width)
            points.before += lines
            self.turns.append(Turn(Scope(self.kernel, self.at), points))
        return self.turns[number]

    def since(self, scalar: Scalar) -> int:
        """The turn at which a scalar is known: a reduction one after its operand."""
        if scalar not in self.known:
            latest = max(map(self.since, scalar.args), default=0)
            self.known[scalar] = latest + (scalar.op == "total")
        return self.known[scalar]

    # -- values of rows ------------------------------------------------------------------------
    def value(self, scalar: Scalar) -> str:
        """What is the same at all points of a row."""
        if scalar.op == "number":
            return literal(scalar.extra, scalar.dtype)
        if scalar not in self.names:
            self.names[scalar] = self.computed(scalar)
        return self.names[scalar]

    def computed(self, scalar: Scalar) -> str:
        if scalar.op == "total":
            return self.total(scalar)
        scope = self.turn(self.since(scalar)).row
        if scalar.op == "take":
            return self.taken(scalar, scope)
        scope.names |= {x: self.value(x) for x in scalar.args}
        return scope.computed(scalar)

    def total(self, scalar: Scalar) -> str:
        """A reduction over the row: each thread joins its share, then they join theirs."""
        assert isinstance(scalar.extra, Total)
        (operand,), dtype, kind = scalar.args, scalar.dtype, scalar.extra.kind
        turn = self.turn(self.since(operand))
        name, own, join = self.kernel.name("t"), type_of(dtype), JOINED[JOINS[kind]]
        turn.starts.append(f"{own} {name} = {literal(STARTS[kind], dtype)};")
        turn.points.inside.append(f"{name} = {join}::of({name}, {turn.points.value(operand)});")
        turn.sums.append(f"{name} = {self.joined(join, name, dtype)};")
        if kind == "mean":
            turn.sums.append(f"{name} = {name} / {literal(self.inner.count, dtype)};")
        return name

    def joined(self, join: str, name: str, dtype: DType) -> str:
        if self.group <= WARP:
            return f"within_warp<{self.group}, {join}>({name})"
        own = type_of(dtype)
        room = self.shared.setdefault(own, f"shared_{own.replace(' ', '_')}")
        return f"within_block<{self.group}, {join}>({name}, {room})"

    def taken(self, scalar: Scalar, scope: Scope) -> str:
        """One element of a row: what computes it, at its position alone."""
        value, where = scalar.args
        place = scope.position(scope.inside, self.value(where), bool(scalar.extra))
        at, lines = self.inner.apart(place, self.kernel.name("c"), "long long")
        scope.inside += lines
        there = _Points(self, self.since(scalar), {**self.at, **at}, -1, 1)
        found = there.value(value)
        scope.inside += there.lines()
        return found

    # -- text ----------------------------------------------------------------------------------
    def written(self) -> tuple[str, Launch]:
        """The kernel."""
        self.turn(0)
        for result in self.arrays.lowered.results:
            if result.whole:
                points = self.turn(self.since(result.scalar)).points
                points.store(self.arrays.written[result.part], points.value(result.scalar))
        ends = self.row_results()
        rows, each = self.outer.count, self.threads // self.group
        body = [
            *(f"__shared__ {own} {name}[{WARP}];" for own, name in self.shared.items()),
            f"const int lane = threadIdx.x % {self.group};",
            *self.row_lines(rows, each),
            *self.places,
            *(line for turn in self.turns for line in self.turn_lines(turn)),
            *(["if (live && lane == 0) {", *ends, "}"] if ends else []),
        ]
        shared = counted(self.group, "thread")
        how = f"{counted(rows, 'row')} of {self.inner.count:,}, {shared} each"
        return self.kernel.done("rows", how, body, -(-rows // each), self.threads)

    def row_lines(self, rows: int, each: int) -> list[str]:
        """The number of the thread's row; threads without one go along with the last."""
        own = self.kernel.own
        mine = f"({own})blockIdx.x * {each} + threadIdx.x / {self.group}"
        return [
            f"const {own} mine = {mine};",
            f"const bool live = mine < {rows};",
            f"const {own} row = live ? mine : {rows - 1};",
        ]

    def row_results(self) -> list[str]:
        """What the first thread of a row writes."""
        results = self.arrays.lowered.results
        stores = [
            (r.scalar, self.arrays.written[r.part])
            for r in results
            if not r.whole and not is_sum(r.scalar, self.arrays)
        ]
        return [
            f"{self.kernel.pointer(view, written=True)}[{offset(view.strides, self.at)}]"
            f" = {stored(self.value(scalar), view.dtype)};"
            for scalar, view in (*stores, *self.kept.items())
        ]

    def turn_lines(self, turn: Turn) -> list[str]:
        row = turn.row.lines()
        inside = turn.points.lines("live")
        if not (turn.points.inside or turn.points.after):
            return row
        step, first = self.group * self.width, f"lane * {self.width}"
        count, own = self.inner.count, self.kernel.own
        head = f"for ({own} j = {first}; j < {count}; j += {step}) {{"
        together = f"#pragma unroll {max(1, 4 // self.width)}"
        return [*row, *turn.starts, together, head, *inside, "}", *turn.sums]


class _Points(Scope):
    """Points of a row: what is the same at all of them is a value of the row."""

    def __init__(self, rows: Rows, turn: int, at: Mapping[int, str], inner: int, width: int):
        super().__init__(rows.kernel, at, inner, width)
        self.rows, self.turn = rows, turn

    def value(self, scalar: Scalar) -> str:
        if self.kernel.level(scalar) == 1:
            return self.rows.value(scalar)
        return super().value(scalar)

    def place(self, scalar: Scalar) -> str:
        row = self.rows.turn(self.rows.since(scalar)).row
        given = self.rows.value(scalar.args[-1])
        return row.position(row.inside, given, bool(scalar.extra))


def is_sum(scalar: Scalar, arrays: Arrays) -> bool:
    """Whether a result is a reduction that a row has no part of its own in."""
    total = scalar.extra
    if not isinstance(total, Total):
        return False
    row = frozenset(range(arrays.end, len(arrays.lowered.space)))
    return not (total.whole and row and total.axes == row)


def _shared_out(length: int, width: int) -> tuple[int, int]:
    """How many threads share a row of that length, and how many a block has."""
    if length > FEW:
        return (THREADS, THREADS) if length <= MANY else (2 * THREADS, 2 * THREADS)
    packs = -(-length // width)
    return min(WARP, 1 << (packs - 1).bit_length()), THREADS


def row_frontier(roots: Sequence[Scalar], kernel: Kernel) -> list[Scalar]:
    """What sums need of each row and cannot compute themselves: all that waits for a reduction over
    the row or for a choice in it.
    """
    found: dict[Scalar, None] = {}
    waits: dict[Scalar, bool] = {}

    def waiting(scalar: Scalar) -> bool:
        if scalar not in waits:
            waits[scalar] = scalar.op in ("total", "take") or any(map(waiting, scalar.args))
        return waits[scalar]

    def visit(scalar: Scalar) -> None:
        if scalar in kernel.kept or not waiting(scalar):
            return
        if kernel.level(scalar) == 1:
            found[scalar] = None
        else:
            for operand in scalar.args:
                visit(operand)

    for root in roots:
        visit(root)
    return list(found)
