"""Hoisting: what every turn of a scan computes alike is computed once, before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ir.types import TupleType
from graphflow.ops.control import ScanParts
from graphflow.passes.rewrite import Rewritten
from graphflow.passes.substitute import assembled, map_regions

STAYS = frozenset({"constant", "full", "input"})
"""Operators that are as cheap inside."""


def hoist_invariants(graph: Graph) -> Rewritten:
    """A node of a scan's body that depends on captured operands alone moves in front of the scan.

    Its value becomes a further captured operand. A scan of no turns, or of an unknown number, is
    left alone: what it never runs must not fail.
    """
    fired: Counter[str] = Counter()
    return Rewritten(_hoisted(graph, fired), dict(fired))


def _hoisted(graph: Graph, fired: Counter[str]) -> Graph:
    nodes: dict[str, Node] = {}
    origins: dict[str, Origin] = {}
    taken = {*graph.nodes, *graph.aliases}
    for node in graph:
        after = map_regions(node, lambda region: _hoisted(region, fired))
        length = dict(after.attrs).get("length")
        if after.op == "scan" and isinstance(length, int) and length > 0:
            scan = _Scan.of(after)
            moved = scan.moved()
            if moved:
                names = _fresh_names(node.name, moved, taken)
                for outer in scan.outside(moved, names):
                    nodes[outer.name] = outer
                origins |= {names[n]: scan.body.origin(n) for n in moved}
                after = scan.without(moved, names)
                fired["hoist_invariant"] += len(scan.frontier(moved))
        nodes[node.name] = after
    same = all(nodes[node.name] is node for node in graph)
    return graph if same else assembled(graph, nodes, {}, origins)


@dataclass(frozen=True)
class _Scan:
    """A scan node, its body, and which outer value each captured input of the body takes."""

    node: Node
    body: Graph
    captured: Mapping[str, str]

    @classmethod
    def of(cls, node: Node) -> _Scan:
        parts = ScanParts.of(node)
        _, _, captured = parts.split(list(zip(parts.names, node.inputs, strict=True)))
        return cls(node, parts.body, dict(captured))

    def moved(self) -> list[str]:
        """The nodes to be computed outside, in order: invariant ones that varying ones read."""
        invariant = set(self.captured)
        for node in self.body:
            if node.op != "input" and invariant.issuperset(node.inputs):
                invariant.add(node.name)
        invariant -= self.captured.keys()
        worth = {n for n in invariant if self._is_worth(self.body.nodes[n])}
        stack = self._read_by_varying(worth, invariant)
        needed: set[str] = set()
        while stack:
            name = stack.pop()
            if name not in needed:
                needed.add(name)
                stack.extend(o for o in self.body.nodes[name].inputs if o in invariant)
        return [name for name in self.body.nodes if name in needed]

    def _is_worth(self, node: Node) -> bool:
        single = not isinstance(node.type, TupleType)
        return single and node.op not in STAYS and bool(node.inputs)

    def _read_by_varying(self, names: set[str], invariant: set[str]) -> list[str]:
        varying = (n for n in self.body if n.name not in invariant)
        read = {operand for node in varying for operand in node.inputs}.union(self.body.outputs)
        return [name for name in self.body.nodes if name in names and name in read]

    def frontier(self, moved: list[str]) -> list[str]:
        """The moved nodes whose values the body still reads."""
        inside = set(moved)
        staying = (node for node in self.body if node.name not in inside)
        read = {operand for node in staying for operand in node.inputs}.union(self.body.outputs)
        return [n for n in moved if n in read and self._is_worth(self.body.nodes[n])]

    def outside(self, moved: list[str], names: Mapping[str, str]) -> Iterator[Node]:
        """The moved nodes as nodes of the surrounding graph."""
        known = {**self.captured, **names}
        for name in moved:
            node = self.body.nodes[name]
            inputs = tuple(known[operand] for operand in node.inputs)
            yield replace(node, name=names[name], inputs=inputs)

    def without(self, moved: list[str], names: Mapping[str, str]) -> Node:
        """The scan with the frontier as captured inputs. What else moved is left to die."""
        frontier = self.frontier(moved)
        inputs = {leaf.name: leaf for leaf in self.body.leaves("input")}
        for name in frontier:
            inputs[name] = Node("input", (), (), self.body.nodes[name].type, name)
        body = replace(self.body, nodes={**inputs, **_others(self.body, inputs)})
        attrs = self.node.attributes() | {"body": body}
        operands = (*self.node.inputs, *(names[name] for name in frontier))
        return replace(self.node, inputs=operands, attrs=tuple(attrs.items()))


def _others(body: Graph, inputs: Mapping[str, Node]) -> dict[str, Node]:
    return {name: node for name, node in body.nodes.items() if name not in inputs}


def _fresh_names(scan: str, moved: list[str], taken: set[str]) -> dict[str, str]:
    """A name in the surrounding graph for each moved node."""
    names = {}
    for name in moved:
        fresh, count = f"{scan}.{name}", 1
        while fresh in taken:
            count += 1
            fresh = f"{scan}.{name}{count}"
        taken.add(fresh)
        names[name] = fresh
    return names
