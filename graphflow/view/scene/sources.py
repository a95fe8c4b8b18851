"""Where a value that a node reads is seen: through loops' ends, picked results and derivatives."""

from __future__ import annotations

from graphflow.ir.graph import LEAVES, Node
from graphflow.view.scene.nests import Scope, is_handed_out


class Sources:
    """Finds the boxes that a name stands for; ``boxes`` are those of each scope."""

    def __init__(self) -> None:
        self.boxes: dict[Scope, dict[str, str]] = {}
        self.regions: dict[tuple[Scope, str], tuple[Scope, ...]] = {}

    def add(self, scope: Scope, name: str, box: str) -> None:
        """Note that a node has a box."""
        self.boxes.setdefault(scope, {})[name] = box

    def of(self, scope: Scope, name: str, reader: str = "") -> tuple[str, ...]:
        """The boxes that show the value ``name``: none for a key of random numbers, several for
        the result of a choice. ``reader`` is who reads it.
        """
        own = self.boxes.get(scope, {}).get(scope.graph.resolve(name))
        if own is not None:
            return (own,)
        node = scope.graph[name]
        if node.name not in scope.forward:
            return self._differentiated(scope, node.name, reader)
        if node.op in LEAVES:
            return self._captured(scope, name)
        if is_handed_out(scope, node):
            return self._result(scope, node)
        return ()

    def every(self, scope: Scope, name: str) -> frozenset[str]:
        """The loops that have made a value in each of their time steps: it is what they collect."""
        node = scope.graph[name]
        if node.name in self.boxes.get(scope, {}) or node.name not in scope.forward:
            return frozenset()
        if node.op in LEAVES and scope.around is not None:
            return self.every(scope.around, _outside(scope, node.name))
        if not is_handed_out(scope, node):
            return frozenset()
        index, loop = node.attr("index"), scope.graph.nodes[node.inputs[0]]
        carries = loop.attr("carries") if loop.op == "scan" else None
        assert isinstance(index, int)
        found = frozenset[str]()
        if isinstance(carries, int) and index >= carries:
            found = frozenset((scope.id(loop.name),))
        bodies = (r for r in self.regions.get((scope, loop.name), ()) if loop.op == "scan")
        return found.union(*(self.every(body, body.graph.outputs[index]) for body in bodies))

    def _captured(self, scope: Scope, name: str) -> tuple[str, ...]:
        """What an input of a region stands for outside."""
        if scope.around is None or scope.loop is None:
            return ()
        return self.of(scope.around, _outside(scope, name), scope.loop.name)

    def _result(self, scope: Scope, node: Node) -> tuple[str, ...]:
        """A result of a loop: what its body hands out, or each of the branches."""
        index = node.attr("index")
        assert isinstance(index, int)
        found: dict[str, None] = {}
        loop = scope.graph.nodes[node.inputs[0]]
        for inside in self.regions.get((scope, loop.name), ()):
            if inside.graph is not dict(loop.attrs).get("condition"):
                found |= dict.fromkeys(self.of(inside, inside.graph.outputs[index]))
        return tuple(found)

    def _differentiated(self, scope: Scope, name: str, reader: str) -> tuple[str, ...]:
        """A derivative that the file itself reads: it comes from what is differentiated, or, where
        nothing else needs that, from what its backward nodes read.
        """
        known = scope.derivative(reader)
        if known is not None and known[0].inputs[0] in scope.graph:
            return self.of(scope, known[0].inputs[0], reader)
        found: dict[str, None] = {}
        todo, seen = [name], {name}
        while todo:
            for operand in scope.graph.nodes[todo.pop()].inputs:
                if operand in scope.forward:
                    found |= dict.fromkeys(self.of(scope, operand))
                elif operand not in seen:
                    seen.add(operand)
                    todo.append(operand)
        return tuple(found)


def _outside(scope: Scope, name: str) -> str:
    """What the loop reads that an input of its region is."""
    assert scope.loop is not None
    position = [leaf.name for leaf in scope.graph.leaves("input")].index(name)
    operands = scope.loop.inputs[1:] if scope.loop.op == "cond" else scope.loop.inputs
    return operands[position]
