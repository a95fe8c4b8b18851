"""The text of a function from the lines of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphflow.backends.elements.lowering import JOINS, STARTS
from graphflow.backends.llvm.instructions import (
    LOOSE,
    cast,
    combined,
    declarations,
    literal,
    stored_type,
)
from graphflow.backends.numba_kernels.fused.generate import (
    INT64,
    End,
    Program,
    Turn,
    Writer,
    row_places,
)
from graphflow.backends.numba_kernels.fused.memory import MOST, load, mark, marks, store


@dataclass(frozen=True)
class Source:
    """The text of a module with the function ``kernel(at, n, part)``, and what its table of sizes
    holds.
    """

    text: str
    sizes: tuple[str, ...]


def source(program: Program) -> Source:
    """The text for a program."""
    writer = Writer(program)
    writer.results()
    rows = list(_rows(writer))
    begin, finish = list(_begin(writer)), list(_finish(writer))
    start = [*_addresses(writer), *writer.start]
    branch = ["br label %begin"]
    if program.ends:
        branch = ["%joins = icmp slt i64 %part, 0", "br i1 %joins, label %finish, label %begin"]
        finish = ["finish:", *finish, "ret void"]
    lines = [
        *_rooms(writer),
        *_tables(writer),
        *start,
        *branch,
        "begin:",
        *begin,
        *rows,
        "ret void",
    ]
    body = "\n".join([*lines, *finish])
    text = f"define void @kernel(ptr %at, ptr %n, i64 %part) {{\nentry:\n{body}\n}}\n"
    known = [declarations(), marks(), *(_hints(writer) if program.short else ())]
    return Source("\n".join([text, *known, ""]), tuple(writer.sizes))


def _loop(
    name: str, first: str, beyond: str, body: Iterable[str], hint: str = ""
) -> Iterator[str]:
    """``body`` for each ``%name`` from ``first`` until ``beyond``, which is not reached."""
    yield f"store i64 {first}, ptr %{name}.at"
    yield f"br label %{name}.head"
    yield f"{name}.head:"
    yield f"%{name} = load i64, ptr %{name}.at"
    yield f"%{name}.more = icmp slt i64 %{name}, {beyond}"
    yield f"br i1 %{name}.more, label %{name}.body, label %{name}.done"
    yield f"{name}.body:"
    yield from body
    yield f"%{name}.next = add nuw nsw i64 %{name}, 1"
    yield f"store i64 %{name}.next, ptr %{name}.at"
    yield f"br label %{name}.head{hint}"
    yield f"{name}.done:"


def _rooms(writer: Writer) -> Iterator[str]:
    """Places for numbers that change; the optimiser makes registers of them."""
    for name, own in writer.rooms.items():
        yield f"{name} = alloca {own}"
    loops = ["r", *(f"j{turn.number}" for turn in writer.turns)]
    for end in writer.program.ends:
        k = end.parts.number
        loops += [f"z{k}", f"y{k}", f"c{k}"]
        yield f"%t{k}.at = alloca {stored_type(end.parts.dtype)}"
    for name in loops:
        yield f"%{name}.at = alloca i64"


def _tables(writer: Writer) -> Iterator[str]:
    """Sizes by name, and addresses."""
    for i, name in enumerate(writer.sizes):
        yield f"%{name}.p = getelementptr inbounds i64, ptr %n, i64 {i}"
        yield f"%{name} = load i64, ptr %{name}.p{mark(0)}"


def _addresses(writer: Writer) -> Iterator[str]:
    """Where arrays lie; those that each part has a share of, where its own begins."""
    program = writer.program
    shares = {end.parts.number for end in program.ends}
    shares |= {p.number for p in program.stores.values() if p not in program.outs.values()}
    for k in dict.fromkeys([*writer.bases, *(end.out.number for end in program.ends)]):
        yield f"%a{k}.p = getelementptr inbounds ptr, ptr %at, i64 {k}"
        yield f"%a{k}.all = load ptr, ptr %a{k}.p{mark(0)}"
        before = "0"
        if k in shares:
            before = f"%a{k}.before"
            yield f"{before} = mul i64 %part, {writer.size(f'b{k}')}"
        yield f"%a{k} = getelementptr i8, ptr %a{k}.all, i64 {before}"


def _begin(writer: Writer) -> Iterator[str]:
    """Each part sums up in memory of its own."""
    for end in writer.program.ends:
        k, dtype = end.parts.number, end.parts.dtype
        lines: list[str] = []
        start = literal(STARTS[end.total.kind], dtype)
        line = store(end.parts, f"%a{k}", f"%z{k}", start, writer.into(lines))
        yield from _loop(f"z{k}", "0", writer.size(f"z{k}.size"), [*lines, line])
    yield "%wide = mul i64 %rows, %part"
    yield "%first = sdiv i64 %wide, %count"
    yield "%onward = add i64 %wide, %rows"
    yield "%beyond = sdiv i64 %onward, %count"


def _rows(writer: Writer) -> Iterator[str]:
    """All rows of a part; the last row of all may be shorter."""
    hints = [f", !llvm.loop !{_hint(turn)}" * writer.program.short for turn in writer.turns]
    turns = [line for pair in zip(writer.turns, hints, strict=True) for line in _turn(*pair)]
    body = [
        *row_places(writer),
        "%gone = mul i64 %r, %inner",
        "%left = sub i64 %total, %gone",
        "%short = icmp slt i64 %left, %inner",
        "%m = select i1 %short, i64 %left, i64 %inner",
        *turns,
        *writer.end,
    ]
    return _loop("r", "%first", "%beyond", body)


def _turn(turn: Turn, hint: str) -> Iterator[str]:
    yield from turn.before
    if turn.last:
        yield from _loop(f"j{turn.number}", "0", "%m", [*turn.inside, *turn.last], hint)
    yield from turn.after


def _hint(turn: Turn) -> int:
    return 3 * MOST + 3 + turn.number


def _hints(writer: Writer) -> Iterator[str]:
    """Loops over short rows are vectors that are not filled, and have no rest of single numbers."""
    yield f'!{3 * MOST + 1} = !{{!"llvm.loop.vectorize.predicate.enable", i1 true}}'
    yield f'!{3 * MOST + 2} = !{{!"llvm.loop.vectorize.enable", i1 true}}'
    for turn in writer.turns:
        own = _hint(turn)
        yield f"!{own} = distinct !{{!{own}, !{3 * MOST + 1}, !{3 * MOST + 2}}}"


def _finish(writer: Writer) -> Iterator[str]:
    """The last call joins what the parts have summed up, always in the same order."""
    for end in writer.program.ends:
        k, dtype, own = end.parts.number, end.parts.dtype, stored_type(end.parts.dtype)
        size, at = writer.size(f"z{k}.size"), f"%t{k}.at"
        lines: list[str] = []
        emit = writer.into(lines)
        first = load(end.parts, f"%a{k}.all", f"%y{k}", emit)
        lines.append(f"store {own} {first}, ptr {at}")
        lines += _loop(f"c{k}", "1", "%count", list(_joined(writer, end, size)))
        found = emit(f"load {own}, ptr {at}")
        if end.total.kind == "mean":
            count = cast(writer.size(f"c{k}.size"), INT64, dtype, emit)
            found = combined("divide", (found, count), dtype, emit)
        found = cast(found, dtype, end.out.dtype, emit)
        lines.append(store(end.out, f"%a{end.out.number}", f"%y{k}", found, emit))
        yield from _loop(f"y{k}", "0", size, lines)


def _joined(writer: Writer, end: End, size: str) -> Iterator[str]:
    """One more part added to those before it."""
    k, dtype, own = end.parts.number, end.parts.dtype, stored_type(end.parts.dtype)
    lines: list[str] = []
    emit = writer.into(lines)
    place = emit(f"add i64 {emit(f'mul i64 %c{k}, {size}')}, %y{k}")
    value = load(end.parts, f"%a{k}.all", place, emit)
    joined = combined(
        JOINS[end.total.kind], (emit(f"load {own}, ptr %t{k}.at"), value), dtype, emit, LOOSE
    )
    yield from lines
    yield f"store {own} {joined}, ptr %t{k}.at"
