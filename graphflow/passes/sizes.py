"""Working out the sizes that symbols stand for from the shapes of what is fed.

:func:`solve_sizes` does so for arrays that are there; :func:`shown_by` says beforehand which axis
will tell each size, for programs that are written down and fed elsewhere. Both know the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from graphflow.diagnostics import Note, fail
from graphflow.ir.dims import Dim, Linear, Shape, bind, linear, solve, symbols
from graphflow.ir.graph import Graph


def solve_sizes(
    graph: Graph, feed_shapes: Mapping[str, tuple[int, ...]], given: Mapping[str, int]
) -> dict[str, int]:
    """The size of every symbol that ``given`` or the fed shapes determine.

    A size such as ``2*B + 1`` determines B; one with two unknown symbols waits until the others
    are known. Raises GF061 where a fed shape contradicts its declaration, a given size, or another
    fed shape.

    >>> from graphflow.ir.dims import symbol
    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder
    >>> b = Builder()
    >>> _ = b.input("x", TensorType(DType.FLOAT, (symbol("B"), 3)))
    >>> solve_sizes(b.graph(), {"x": (32, 3)}, {})
    {'B': 32}
    """
    solution = _Solution(graph, dict(given), dict.fromkeys(given, "it was given"))
    waiting = [
        _Axis(name, axis, dim, size)
        for name, shape in feed_shapes.items()
        for axis, (dim, size) in enumerate(zip(solution.declared(name, shape), shape, strict=True))
    ]
    while waiting:
        unsolved = [axis for axis in waiting if not solution.settles(axis)]
        if len(unsolved) == len(waiting):
            break
        waiting = unsolved
    return solution.sizes


@dataclass(frozen=True)
class Shown:
    """Where a size can be read: ``axis`` of ``name`` has the size ``factor * S + offset``."""

    name: str
    axis: int
    factor: Dim
    offset: Dim


def shown_by(
    shapes: Iterable[tuple[str, Shape]], known: Collection[str] = ()
) -> dict[str, Shown]:
    """For every symbol that arrays of the declared ``shapes`` determine, what determines it.

    Symbols that are ``known`` already are not looked for. An axis that is the symbol itself comes
    before one that is ``a * S + b``, and this before one whose ``a`` or ``b`` has other symbols:
    those stand before S in the result.

    >>> from graphflow.ir.dims import symbol
    >>> B, T = symbol("B"), symbol("T")
    >>> found = shown_by([("x", (B * T,)), ("y", (2 * B + 1, 3))])
    >>> [(name, shown.name, shown.factor, shown.offset) for name, shown in found.items()]
    [('B', 'y', 2, 1), ('T', 'x', B, 0)]
    """
    places = [(name, axis, dim) for name, shape in shapes for axis, dim in enumerate(shape)]
    places.sort(key=lambda place: _distance(linear(place[2])))
    found: dict[str, Shown] = {}
    count = -1
    while count != len(found):
        count = len(found)
        for name, axis, dim in places:
            solved = linear(dim, {*known, *found})
            if solved is not None:
                found[solved.symbol] = Shown(name, axis, solved.factor, solved.offset)
    return found


def _distance(found: Linear | None) -> int:
    """How far a size is from being a symbol itself."""
    if found is None:
        return 2
    return int((found.factor, found.offset) != (1, 0))


@dataclass(frozen=True)
class _Axis:
    """One axis of a fed array, of size ``size`` where ``dim`` is declared."""

    name: str
    axis: int
    dim: Dim
    size: int


@dataclass
class _Solution:
    graph: Graph
    sizes: dict[str, int]
    reasons: dict[str, str]

    def declared(self, name: str, shape: tuple[int, ...]) -> tuple[Dim, ...]:
        """The declared sizes of a fed array, as many as it has axes."""
        declared = self.graph[name].tensor.shape
        if len(declared) != len(shape):
            self.refuse(name, f"'{name}' is declared {list(declared)}, but has shape {list(shape)}")
        return declared

    def settles(self, axis: _Axis) -> bool:
        """Whether the axis is understood now: it determines a symbol, or it agrees."""
        dim = bind(axis.dim, self.sizes)
        if isinstance(dim, int):
            if dim != axis.size:
                self.contradiction(axis, dim)
            return True
        found = solve(dim, axis.size)
        if found is None:
            if linear(dim) is not None:
                self.impossible(axis)
            return False
        symbol, size = found
        if size < 0:
            self.impossible(axis)
        self.sizes[symbol] = size
        self.reasons[symbol] = f"axis {axis.axis} of '{axis.name}' has size {axis.size}"
        return True

    def impossible(self, axis: _Axis) -> NoReturn:
        """No size of the symbol gives this one."""
        message = f"axis {axis.axis} of '{axis.name}' has size {axis.size}"
        self.refuse(axis.name, f"{message}, which {axis.dim} cannot be")

    def contradiction(self, axis: _Axis, expected: int) -> NoReturn:
        """Two sources say different things."""
        said = [
            f"; {symbol} = {self.sizes[symbol]}, because {self.reasons[symbol]}"
            for symbol in sorted(symbols(axis.dim))
        ]
        wanted = f"{axis.dim} = {expected}" if symbols(axis.dim) else f"{expected}"
        message = f"axis {axis.axis} of '{axis.name}' has size {axis.size}"
        self.refuse(axis.name, f"{message}, but it must be {wanted}{''.join(said)}")

    def refuse(self, name: str, message: str) -> NoReturn:
        """Say what does not fit, and where the fed value is declared."""
        node = self.graph.resolve(name)
        declared = f"'{name}' is declared {self.graph.nodes[node].type}"
        notes = [Note(declared, self.graph.origin(node).mark)]
        fail("GF061", message, notes=notes, help="feed arrays whose sizes agree")
