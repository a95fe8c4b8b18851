"""Fusion: nodes that run through the same elements are put into one node, which does so once."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ir.types import TupleType
from graphflow.ops.fused import is_free
from graphflow.passes.groups import Fusable, Group, Groups, grouped
from graphflow.passes.recompute import recomputed, unfolded
from graphflow.passes.substitute import assembled, map_regions
from graphflow.passes.verified import verified

WORTH = 2048
"""Elements from which a single node is worth loops of its own. One number is, too: loops follow
each other without a way through Python, if nothing stands between them.
"""


def fuse(graph: Graph, fusable: Fusable, worth: int = WORTH) -> Graph:
    """Groups of nodes become ``fused`` nodes, inside loops too, and backward computes again what is
    cheaper to compute than to keep.

    ``fusable`` tells which elementwise nodes the kernels have loops for, ``worth`` from how many
    elements on a node has loops of its own. Values keep their names: a group with several results
    is followed by ``item`` nodes of these names.
    """
    ready = verified(recomputed(unfolded(graph)), "recompute")
    return verified(_fused(ready, fusable, worth, True), "fuse")


def _fused(graph: Graph, fusable: Fusable, worth: int, phases: bool) -> Graph:
    nodes = {n.name: map_regions(n, lambda r: _fused(r, fusable, worth, False)) for n in graph}
    changed = any(nodes[node.name] is not node for node in graph)
    inner = assembled(graph, nodes, {}) if changed else graph
    groups = grouped(inner, fusable, phases)
    chosen = [g for g in groups.all() if _is_worth(g, worth)]
    if not chosen:
        return inner
    return _Assembly(inner, groups, chosen).graph()


def _is_worth(group: Group, worth: int) -> bool:
    return len(group.nodes) > 1 or (
        len(group.nodes) == 1 and (group.size == 1 or group.size >= worth)
    )


class _Assembly:
    """The graph with chosen groups as nodes, in an order in which they can run."""

    def __init__(self, graph: Graph, groups: Groups, chosen: Sequence[Group]) -> None:
        self.before, self.groups = graph, groups
        self.home = {name: group for group in chosen for name in group.nodes}
        self.roots = set(graph.roots())
        self.read = self.read_outside()
        self.origins: dict[str, Origin] = {}

    def read_outside(self) -> set[str]:
        """The values that must lie in memory: roots, and what other nodes read."""
        found = set(self.roots)
        needed: set[str] = set()
        for node in reversed(self.before.nodes.values()):
            if node.name in self.home:
                continue
            kept = node.name in needed or node.name in self.roots
            if not kept and is_free(self.before, node):
                continue
            needed.update(node.inputs)
            found.update(node.inputs)
        for name, group in self.home.items():
            for operand in self.before.nodes[name].inputs:
                source = self.source(operand, group)
                if source not in group.nodes:
                    found.add(source)
                    found.update(self.chain(source))
        return found

    def chain(self, name: str) -> list[str]:
        """What a node that only sees an operand in another shape is seen through."""
        found = []
        while is_free(self.before, self.before.nodes[name]):
            (name,) = self.before.nodes[name].inputs
            found.append(name)
        return found

    def source(self, name: str, group: Group) -> str:
        """The member that an operand shows, or, from elsewhere, the operand itself."""
        seen = [name, *self.chain(name)]
        return next((n for n in seen if n in group.nodes), name)

    # -- bodies --------------------------------------------------------------------------------
    def members(self, group: Group) -> list[str]:
        """The group's nodes and those in other shapes that it reads them through, in order."""
        wanted = set(group.nodes)
        for name in group.nodes:
            for operand in self.before.nodes[name].inputs:
                seen = [operand, *self.chain(operand)]
                inside = [i for i, n in enumerate(seen) if n in group.nodes]
                wanted.update(seen[: inside[0]] if inside else ())
            wanted.update(self.groups.written_in(self.before.nodes[name]))
        return sorted(wanted, key=self.groups.position.__getitem__)

    def made(self, group: Group) -> list[Node]:
        """The fused node of a group, and what picks its results."""
        members = self.members(group)
        nodes = {n: self.before.nodes[n] for n in members}
        operands = dict.fromkeys(
            o for n in members for o in self.before.nodes[n].inputs if o not in nodes
        )
        leaves = {o: Node("input", (), (), self.before.nodes[o].tensor, o) for o in operands}
        outputs = tuple(n for n in members if n in group.nodes and n in self.read)
        if not outputs:
            return []
        body = Graph({**leaves, **nodes}, outputs)
        attrs = (("body", body), ("space", group.space), ("tail", group.tail))
        types = tuple(nodes[n].tensor for n in outputs)
        origin = self.before.origin(outputs[-1])
        if len(outputs) == 1:
            return [Node("fused", tuple(operands), attrs, types[0], outputs[0])]
        name = self.fresh(f"{outputs[-1]}.fused")
        self.origins[name] = origin
        whole = Node("fused", tuple(operands), attrs, TupleType(types), name)
        items = zip(outputs, types, strict=True)
        picks = [Node("item", (name,), (("index", i),), t, n) for i, (n, t) in enumerate(items)]
        return [whole, *picks]

    def fresh(self, name: str) -> str:
        while name in self.before or name in self.origins:
            name += "2"
        return name

    # -- order ---------------------------------------------------------------------------------
    def graph(self) -> Graph:
        """Every group at the place of its last node, or as soon after as can be."""
        units: dict[str, list[Node]] = {}
        made: dict[int, list[Node]] = {}
        for name in reversed(self.before.nodes):
            group = self.home.get(name)
            if group is None:
                node = self.before.nodes[name]
                if not is_free(self.before, node) or name in self.read or name in self.roots:
                    units[name] = [node]
            elif id(group) not in made:
                made[id(group)] = self.made(group)
                units[name] = made[id(group)]
        nodes = {node.name: node for unit in self.ordered(units) for node in unit}
        return assembled(self.before, nodes, {}, self.origins)

    def ordered(self, units: dict[str, list[Node]]) -> list[list[Node]]:
        giver = {node.name: unit for unit, nodes in units.items() for node in nodes}
        position = self.groups.position
        waits: dict[str, set[str]] = {}
        readers: dict[str, list[str]] = {unit: [] for unit in units}
        for unit, nodes in units.items():
            waits[unit] = {giver[o] for n in nodes for o in n.inputs} - {unit}
            for other in waits[unit]:
                readers[other].append(unit)
        ready = [position[unit] for unit in units if not waits[unit]]
        heapify(ready)
        names = list(self.before.nodes)
        order = []
        while ready:
            unit = names[heappop(ready)]
            order.append(units[unit])
            for reader in readers[unit]:
                waits[reader].remove(unit)
                if not waits[reader]:
                    heappush(ready, position[reader])
        return order
