"""Working out the sizes that symbols stand for from the shapes of what is fed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from graphflow.diagnostics import Note, fail
from graphflow.ir.dims import Dim, bind, solve, symbols
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
            if _linear(dim):
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


def _linear(dim: Dim) -> bool:
    """Whether ``dim`` is ``a * S + b``, which has one solution at most."""
    if isinstance(dim, int):
        return False
    varying = [atoms for atoms, _ in dim.terms if atoms]
    return len(varying) == 1 and len(varying[0]) == 1 and isinstance(varying[0][0], str)
