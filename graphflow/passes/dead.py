"""Dead code: what no output and no update depends on is dropped, inside regions too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TupleType
from graphflow.passes.rewrite import Rewritten
from graphflow.passes.substitute import assembled


def drop_dead(graph: Graph) -> Rewritten:
    """Only what outputs and updates need is left.

    Loops and branches lose the results that nobody reads, what only those need inside, and the
    operands that are no longer read inside.
    """
    fired: Counter[str] = Counter()
    roots = (*graph.roots(), *graph.updates)
    return Rewritten(_living(graph, roots, fired), {k: n for k, n in fired.items() if n})


def _living(graph: Graph, roots: Iterable[str], fired: Counter[str]) -> Graph:
    """One sweep from the last node to the first: every reader is seen before what it reads."""
    needed = set(roots)
    read = _Read(dict.fromkeys(needed))
    kept: list[Node] = []
    numbers: dict[str, dict[int, int]] = {}
    for node in reversed(graph.nodes.values()):
        if node.name not in needed:
            continue
        if node.regions:
            node, numbers[node.name] = _shrunk(node, read.results(node), fired)
        kept.append(node)
        needed.update(node.inputs)
        read.by(node)
    fired["drop_node"] += len(graph) - len(kept)
    nodes = {node.name: _renumbered(node, numbers) for node in reversed(kept)}
    same = len(nodes) == len(graph) and all(nodes[n.name] is n for n in graph)
    return graph if same else assembled(graph, nodes, {})


@dataclass
class _Read:
    """Which results of nodes with several are read: their indices, or None for all."""

    indices: dict[str, set[int] | None]

    def by(self, node: Node) -> None:
        for operand in node.inputs:
            if node.op != "item":
                self.indices[operand] = None
                continue
            found = self.indices.setdefault(operand, set())
            index = node.attr("index")
            assert isinstance(index, int)
            if found is not None:
                found.add(index)

    def results(self, node: Node) -> list[int]:
        """The results of a node that are read, in order."""
        assert isinstance(node.type, TupleType)
        found = self.indices.get(node.name)
        return list(range(len(node.type.items))) if found is None else sorted(found)


def _renumbered(node: Node, numbers: Mapping[str, Mapping[int, int]]) -> Node:
    """An ``item`` node that counts only the results that are left."""
    if node.op != "item" or node.inputs[0] not in numbers:
        return node
    index = node.attr("index")
    assert isinstance(index, int)
    after = numbers[node.inputs[0]][index]
    return node if after == index else replace(node, attrs=(("index", after),))


def _shrunk(node: Node, used: Sequence[int], fired: Counter[str]) -> tuple[Node, dict[int, int]]:
    """A control node with the ``used`` results only, and how its results are counted now."""
    assert isinstance(node.type, TupleType)
    regions = [(key, value) for key, value in node.attrs if isinstance(value, Graph)]
    carries, sequences = (node.attributes().get(k, 0) for k in ("carries", "sequences"))
    assert isinstance(carries, int) and isinstance(sequences, int)
    yields = {"condition": [0]}  # a while loop's condition is always wanted whole
    roots = {key: yields.get(key, used) for key, _ in regions}
    inside = _Inside(dict(regions), carries)
    inside.reach([(key, dict(regions)[key].outputs[i]) for key in roots for i in roots[key]])
    operands = sorted(inside.operands | {i for i in used if i < carries})
    kept = {*used, *(i for i in operands if i < carries)}
    results = [i for i in range(len(node.type.items)) if i in kept]
    attrs = node.attributes()
    for key, region in regions:
        outputs = region.outputs if key in yields else tuple(region.outputs[i] for i in results)
        attrs[key] = inside.only(key, replace(region, outputs=outputs), operands, fired)
    if "carries" in attrs:
        attrs["carries"] = sum(i < carries for i in operands)
    if "sequences" in attrs:
        attrs["sequences"] = sum(carries <= i < carries + sequences for i in operands)
    first = len(node.inputs) - inside.arity  # the predicate of a cond is no region's operand
    inputs = (*node.inputs[:first], *(node.inputs[first + i] for i in operands))
    fired["drop_result"] += len(node.type.items) - len(results)
    fired["drop_operand"] += len(node.inputs) - len(inputs)
    numbers = {old: new for new, old in enumerate(results)}
    if attrs == node.attributes() and inputs == node.inputs:
        return node, numbers
    type = TupleType(tuple(node.type.items[i] for i in results))
    return Node(node.op, inputs, tuple(attrs.items()), type, node.name), numbers


class _Inside:
    """What is reached inside a control node's regions, from one turn to the next."""

    def __init__(self, regions: Mapping[str, Graph], carries: int) -> None:
        self.regions, self.carries = regions, carries
        self.visited: dict[str, set[str]] = {key: set() for key in regions}
        self.inputs = {key: [n.name for n in g.leaves("input")] for key, g in regions.items()}
        self.positions = {
            key: {name: i for i, name in enumerate(names)} for key, names in self.inputs.items()
        }
        self.arity = len(next(iter(self.inputs.values())))
        self.operands: set[int] = set()

    def reach(self, stack: list[tuple[str, str]]) -> None:
        """Mark what the stacked (region, node) pairs depend on.

        A carried value that is read needs what the body hands on for it.
        """
        while stack:
            key, name = stack.pop()
            if name in self.visited[key]:
                continue
            self.visited[key].add(name)
            stack.extend((key, operand) for operand in self.regions[key].nodes[name].inputs)
            position = self.positions[key].get(name)
            if position is not None:
                self.operands.add(position)
                if position < self.carries:
                    stack.append(("body", self.regions["body"].outputs[position]))

    def only(self, key: str, region: Graph, operands: Sequence[int], fired: Counter[str]) -> Graph:
        """A region with the inputs for ``operands`` and what was reached."""
        inputs = [self.inputs[key][i] for i in operands]
        needed = self.visited[key].union(inputs)
        before = self.regions[key]
        if len(needed) == len(region) and region.outputs == before.outputs:
            region = before
        else:
            fired["drop_node"] += len(region) - len(needed)
            region = region.restricted_to(needed)
        return _living(region, (*region.outputs, *inputs), fired)
