"""Kernels of reductions whose results are no rows: bias gradients, means of losses.

A block takes some results and, where these are few, a share of what is summed up for them; its
threads join theirs as a tree. A second kernel of the same kind joins the shares. The order of all
sums is fixed by the shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from graphflow.backends.cuda.arrays import Arrays, View, Walk
from graphflow.backends.cuda.instructions import JOINED, DType, literal, stored, type_of
from graphflow.backends.cuda.writing import Kernel, Launch, Scope, counted
from graphflow.backends.elements.lowering import JOINS, STARTS, Result, Total
from graphflow.backends.elements.tracing import Scalar

THREADS = 256
LEAST = 8
"""Elements that a thread adds up, before the work is shared out to more blocks."""
BLOCKS, SHARES = 1024, 256
"""Blocks that a kernel is shared out to at most, and shares of one sum."""


@dataclass(frozen=True)
class Sum:
    """One reduction: its kind, what gives an element of it in a scope, and where it is written."""

    kind: str
    dtype: DType
    element: Callable[[Scope], str]
    out: View


@dataclass(frozen=True)
class Grid:
    """How ``results`` reductions of ``length`` elements each are shared out among threads. Blocks
    take ``side`` of them side by side; ``beside``: so do neighbouring threads.
    """

    results: int
    length: int
    side: int
    beside: bool
    shares: int

    @classmethod
    def of(cls, results: int, length: int, beside: bool) -> Grid:
        """Neighbouring threads take neighbouring elements of what is read."""
        if beside:
            side = min(32, _power(results))
        else:
            side = THREADS // min(THREADS, max(32, _power(length)))
        blocks, each = -(-results // side), -(-length // (THREADS // side))
        return cls(
            results, length, side, beside, max(1, min(SHARES, each // LEAST, BLOCKS // blocks))
        )

    @property
    def blocks(self) -> int:
        """Blocks that the results are shared out to."""
        return -(-self.results // self.side)

    def lines(self, own: str) -> list[str]:
        """The result ``o`` of a thread, and the elements that it takes of it."""
        side, deep = self.side, THREADS // self.side
        x, y = f"threadIdx.x % {side}", f"threadIdx.x / {side}"
        if not self.beside:
            x, y = f"threadIdx.x / {deep}", f"threadIdx.x % {deep}"
        chunk = -(-self.length // self.shares)
        return [
            f"const int y = {y}, share = blockIdx.x / {self.blocks};",
            f"const {own} o = ({own})(blockIdx.x % {self.blocks}) * {side} + {x};",
            f"const {own} first = ({own})share * {chunk};",
            f"const {own} beyond = first + {chunk} < {self.length}"
            f" ? first + {chunk} : {self.length};",
        ]


def sums(arrays: Arrays, kept: Mapping[Scalar, View], ended: Sequence[Result]) -> list[Writing]:
    """The kernels of a node's reductions; those over the same axes are made together."""
    groups: dict[Total, list[Result]] = {}
    for result in ended:
        total = result.scalar.extra
        assert isinstance(total, Total)
        groups.setdefault(Total("", total.axes, total.whole), []).append(result)
    written: list[Writing] = []
    for over, results in groups.items():
        written += _Over(arrays, kept, over, results).written()
    return written


Writing = tuple[str, Launch]


class _Over:
    """Reductions over some axes of the space, or, where they are not ``whole``, of the rows."""

    def __init__(
        self, arrays: Arrays, kept: Mapping[Scalar, View], over: Total, results: Sequence[Result]
    ) -> None:
        self.arrays, self.stored, self.results = arrays, kept, results
        space = arrays.lowered.space
        axes = range(len(space) if over.whole else arrays.end)
        left = [a for a in axes if a not in over.axes]
        columns = arrays.columns((r.scalar.args[0] for r in results), kept)
        self.left = Walk.over(left, space, columns)
        self.gone = Walk.over(sorted(over.axes), space, columns)
        beside = bool(left) and left[-1] == max(axes, default=-1)
        self.grid = Grid.of(self.left.count, self.gone.count, beside)

    def written(self) -> list[Writing]:
        """One kernel, or one of shares and one that joins them."""
        grid, first, second = self.grid, [], []
        for result in self.results:
            total, dtype = result.scalar.extra, result.scalar.dtype
            assert isinstance(total, Total)
            out = self.arrays.written[result.part]
            value = _reader(result.scalar.args[0])
            if grid.shares > 1:
                shape = (grid.shares, grid.results)
                room = self.arrays.room(shape, dtype, (grid.results, 1))
                first.append(Sum(total.kind, dtype, value, room))
                second.append(Sum(total.kind, dtype, _loader(room), out))
            else:
                first.append(Sum(total.kind, dtype, value, out))
        kernel = Kernel(self.arrays, self.stored)
        found = [_text(kernel, grid, self.left, self.gone, first, self.mean(grid.shares == 1))]
        if second:
            found.append(self.joined(second))
        return found

    def mean(self, whole: bool) -> int:
        """What a mean is divided by where it is whole."""
        return self.gone.count if whole else 1

    def joined(self, shares: Sequence[Sum]) -> Writing:
        """The kernel that joins shares, one below the other."""
        count, results = self.grid.shares, self.grid.results
        left, gone = Walk(((1,),), (results,)), Walk(((0,),), (count,))
        grid = Grid(results, count, min(32, _power(results)), True, 1)
        return _text(Kernel(self.arrays, {}), grid, left, gone, shares, self.mean(True))


def _reader(scalar: Scalar) -> Callable[[Scope], str]:
    return lambda scope: scope.value(scalar)


def _loader(view: View) -> Callable[[Scope], str]:
    return lambda scope: scope.load(view)


def _text(
    kernel: Kernel, grid: Grid, left: Walk, gone: Walk, found: Sequence[Sum], mean: int
) -> Writing:
    """A kernel of sums."""
    own, deep = kernel.own, THREADS // grid.side
    at, lines = left.apart("o", "o", own)
    more, inside = gone.apart("r", "r", own)
    scope = Scope(kernel, {**at, **more})
    scope.before += inside
    names = [kernel.name("t") for _ in found]
    for name, each in zip(names, found, strict=True):
        join = JOINED[JOINS[each.kind]]
        scope.inside.append(f"{name} = {join}::of({name}, {each.element(scope)});")
    types = dict.fromkeys(type_of(each.dtype) for each in found)
    head = f"for ({own} r = first + y; r < beyond; r += {deep}) {{"
    body = [
        *(f"__shared__ {type} shared_{type.replace(' ', '_')}[{THREADS}];" for type in types),
        *grid.lines(own),
        *(f"{type_of(e.dtype)} {name} = {literal(STARTS[e.kind], e.dtype)};"
          for name, e in zip(names, found, strict=True)),
        f"if (o < {grid.results}) {{", *lines, "#pragma unroll 4", head, *scope.lines(), "}", "}",
    ]  # fmt: skip
    for name, each in zip(names, found, strict=True):
        body += _ended(kernel, grid, each, name, mean)
    how = f"{counted(grid.results, 'sum')} of {grid.length:,}"
    how += f" in {grid.shares} shares" if grid.shares > 1 else ""
    return kernel.done("sums", how, body, grid.blocks * grid.shares, THREADS)


def _ended(kernel: Kernel, grid: Grid, each: Sum, name: str, mean: int) -> list[str]:
    """The threads of one result join what they have, and one of them writes it."""
    deep, step = THREADS // grid.side, grid.side if grid.beside else 1
    join, own = JOINED[JOINS[each.kind]], type_of(each.dtype)
    room = f"shared_{own.replace(' ', '_')}"
    value = f"down_columns<{deep}, {step}, {join}>({name}, y, {room})"
    out = kernel.pointer(each.out, written=True)
    place = "o" if grid.shares == 1 else f"(long long)share * {grid.results} + o"
    result = f"{name} / {literal(mean, each.dtype)}" if each.kind == "mean" and mean > 1 else name
    return [
        f"{name} = {value};",
        f"if (y == 0 && o < {grid.results}) {out}[{place}] = {stored(result, each.out.dtype)};",
    ]


def _power(number: int) -> int:
    """The next power of two that is not smaller."""
    return 1 << (number - 1).bit_length()
