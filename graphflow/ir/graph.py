"""Nodes and graphs: the one form that everything else reads and rewrites.

A :class:`Graph` is a straight list of frozen nodes in an order in which they can run. Edges are
names. What a node *computes* is its five fields; where it *came from* lies beside it in
``Graph.origins`` and never changes what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Literal, TypeAlias, Union

import numpy as np

from graphflow.diagnostics import Mark
from graphflow.ir.dims import Symbolic
from graphflow.ir.types import DType, TensorType, TupleType, ValueType

Attr: TypeAlias = Union[
    bool, int, float, str, Symbolic, DType, "ArrayLiteral", "Graph", tuple["Attr", ...], None
]
Phase = Literal["forward", "backward", "update"]

LEAVES = frozenset({"input", "parameter", "state", "rng"})
"""Operators whose value is handed in from outside: fed, learned, carried, or the random key."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayLiteral:
    """An array written into the graph, compared by its bytes."""

    array: np.ndarray

    def __post_init__(self) -> None:
        """Keep a copy that nobody can write into: the hash must not change."""
        kept = np.array(self.array)
        kept.setflags(write=False)
        object.__setattr__(self, "array", kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayLiteral) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"literal({self.array.dtype}{list(self.array.shape)})"

    def _key(self) -> tuple[bytes, tuple[int, ...], str]:
        return self.array.tobytes(), self.array.shape, self.array.dtype.str


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: ``name = op(*inputs, **attrs)``, of a known type."""

    op: str
    inputs: tuple[str, ...]
    attrs: tuple[tuple[str, Attr], ...]
    type: ValueType
    name: str

    def attributes(self) -> dict[str, Attr]:
        """The attributes by name."""
        return dict(self.attrs)

    def attr(self, name: str) -> Attr:
        """One attribute; KeyError when the operator has none of that name."""
        for key, value in self.attrs:
            if key == name:
                return value
        raise KeyError(f"{self.op} has no attribute {name!r}")

    @property
    def tensor(self) -> TensorType:
        """The type of a node that has a single result."""
        if isinstance(self.type, TupleType):
            raise TypeError(f"node '{self.name}' has several results: {self.type}")
        return self.type

    @property
    def regions(self) -> tuple[Graph, ...]:
        """The graphs this node runs inside: a scan's body, the branches of a cond."""
        return tuple(value for _, value in self.attrs if isinstance(value, Graph))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node came from.

    ``path`` is the user's node that it belongs to, ``twin`` the forward node that a backward node
    differentiates, ``wrt`` the operand of that twin it is a contribution to.
    """

    mark: Mark | None = None
    path: str = ""
    phase: Phase = "forward"
    twin: str | None = None
    wrt: str | None = None


@dataclass(frozen=True, eq=False)
class Graph:
    """A computation: nodes in running order, what it yields, and what it assigns afterwards.

    ``updates`` maps a leaf (parameter or state) to the node whose value it takes after the step.
    ``aliases`` maps further names a person may use to the node they stand for. ``gradients`` maps
    (of, wrt) to the node that holds that derivative.
    """

    nodes: dict[str, Node]
    outputs: tuple[str, ...] = ()
    updates: Mapping[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    gradients: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Equal when they compute the same: provenance and aliases do not count."""
        return isinstance(other, Graph) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return tuple(self.nodes.values()), self.outputs, tuple(self.updates.items())

    def __getitem__(self, name: str) -> Node:
        return self.nodes[self.resolve(name)]

    def __contains__(self, name: object) -> bool:
        return name in self.nodes or name in self.aliases

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def resolve(self, name: str) -> str:
        """The node that ``name`` or an alias of it stands for; KeyError when there is none."""
        if name in self.nodes:
            return name
        return self.aliases[name]

    def leaves(self, op: str) -> tuple[Node, ...]:
        """The leaf nodes of one kind, in order of creation."""
        return tuple(node for node in self if node.op == op)

    def origin(self, name: str) -> Origin:
        """Where a node came from; an empty origin for one without a record."""
        return self.origins.get(name, Origin())

    @cached_property
    def consumers(self) -> Mapping[str, tuple[str, ...]]:
        """For every node, the nodes that read it, in running order, once per operand."""
        readers: dict[str, list[str]] = {name: [] for name in self.nodes}
        for node in self:
            for operand in node.inputs:
                readers[operand].append(node.name)
        return {name: tuple(found) for name, found in readers.items()}

    def roots(self) -> tuple[str, ...]:
        """What must be computed: outputs and the new values of updates."""
        return tuple(dict.fromkeys((*self.outputs, *self.updates.values())))

    def needed_for(self, roots: Iterable[str]) -> set[str]:
        """The names of all nodes that ``roots`` depend on, themselves included."""
        needed: set[str] = set()
        stack = [self.resolve(r) for r in roots]
        while stack:
            name = stack.pop()
            if name not in needed:
                needed.add(name)
                stack.extend(self.nodes[name].inputs)
        return needed

    def restricted_to(self, names: Iterable[str]) -> Graph:
        """The sub-graph of the nodes in ``names``; tables keep only what still exists."""
        keep = set(names)
        return replace(
            self,
            nodes={n: node for n, node in self.nodes.items() if n in keep},
            aliases={a: n for a, n in self.aliases.items() if n in keep},
            origins={n: o for n, o in self.origins.items() if n in keep},
            gradients={k: n for k, n in self.gradients.items() if n in keep},
        )

    def _repr_html_(self) -> str:
        """A table of the nodes, for notebooks."""
        rows = "".join(
            f"<tr><td>{escape(n.name)}</td><td>{n.op}</td><td>{escape(', '.join(n.inputs))}</td>"
            f"<td>{n.type}</td></tr>"
            for n in self
        )
        head = "<tr><th>node</th><th>op</th><th>operands</th><th>type</th></tr>"
        return f"<table>{head}{rows}</table>"

    def map_nodes(self, change: Callable[[Node], Node]) -> Graph:
        """The graph with every node replaced by ``change(node)``, names kept."""
        return replace(self, nodes={name: change(node) for name, node in self.nodes.items()})
