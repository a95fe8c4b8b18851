"""Values that are kept, and large ones that are computed again when somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphflow.ir.graph import Graph
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.evaluate import Computed, run_node
from graphflow.ops.op import OPS, Array

LARGE = 256 * 1024
"""Bytes from which a value may be let go."""


class Values(Mapping[str, Computed]):
    """The values of a graph by name, every one of them; those let go are computed again from their
    operands, bit for bit.
    """

    def __init__(self, graph: Graph, leaves: Mapping[str, Array]) -> None:
        self.graph = graph
        self._kept: dict[str, Computed] = dict(leaves)
        self._gone: set[str] = set()

    def __getitem__(self, name: str) -> Computed:
        if name not in self._gone:
            return self._kept[name]
        node = self.graph.nodes[name]
        return run_node(node, [self[operand] for operand in node.inputs])

    def __iter__(self) -> Iterator[str]:
        yield from self._kept
        yield from self._gone

    def __len__(self) -> int:
        return len(self._kept) + len(self._gone)

    def __contains__(self, name: object) -> bool:
        return name in self._kept or name in self._gone

    def keep(self, name: str, value: Computed) -> None:
        """A node has run."""
        self._kept[name] = value

    def let_go(self, name: str) -> Array:
        """Let a value go that can be computed again."""
        value = self._kept.pop(name)
        self._gone.add(name)
        assert not isinstance(value, tuple)
        return value


def last_reads(graph: Graph, order: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """For each node the large values that it is the last to read, and that need not be kept.

    Those are cheap to compute again: results of elementwise operators that are not asked for.
    """
    wanted = {*graph.roots(), *graph.gradients.values()}
    position = {name: i for i, name in enumerate(order)}
    found: dict[str, list[str]] = {}
    for name in order:
        readers = graph.consumers[name]
        if readers and name not in wanted and _cheap(graph, name):
            found.setdefault(max(readers, key=position.__getitem__), []).append(name)
    return {reader: tuple(names) for reader, names in found.items()}


def _cheap(graph: Graph, name: str) -> bool:
    """Whether a value is large, quickly computed, and not seen through another one."""
    node = graph.nodes[name]
    if not isinstance(OPS[node.op], Elementwise):
        return False
    size = node.tensor.size
    large = isinstance(size, int) and size * node.tensor.dtype.itemsize >= LARGE
    return large and not any(OPS[graph.nodes[r].op].view for r in graph.consumers[name])
