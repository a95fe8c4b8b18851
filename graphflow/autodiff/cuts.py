"""Where gradients end: what a value depends on and is not differentiated by.

The gradient of ``loss`` reaches ``w`` along every path on which each node hands a gradient to the
operand that is next. ``stop_gradient`` hands none back, nor do ``floor``, ``argmax`` and ``x > 0``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphflow.diagnostics import Mark
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TupleType, tensors
from graphflow.ops.builder import Builder, Value
from graphflow.ops.op import OPS

PASSED = ("item", "gradients", "jvp", "jacobian", "hessian")
"""What has no rule of its own, being differentiated as what it stands for."""
End: TypeAlias = tuple[str, str, Mark | None]
"""A node that hands no gradient on: name, operator and place in the file."""


@dataclass(frozen=True)
class Cut:
    """A leaf that a value depends on, and where the gradients end that would reach it."""

    leaf: str
    at: tuple[End, ...]

    def message(self, of: str) -> str:
        """In words.

        >>> Cut("w", (("fixed", "stop_gradient", None),)).message("loss")
        "'w' gets no gradient from 'loss': it is cut at 'fixed' (stop_gradient)"
        """
        ends = ", ".join(f"'{name}' ({op})" for name, op, _ in self.at)
        return f"'{self.leaf}' gets no gradient from '{of}': it is cut at {ends}"


def cuts(graph: Graph, of: str, leaves: Collection[str]) -> tuple[Cut, ...]:
    """The ``leaves`` that ``of`` depends on and has no gradient by.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import F
    >>> b = Builder()
    >>> x, w = (b.input(name, TensorType(DType.FLOAT)) for name in ("x", "w"))
    >>> y = F.floor(w) * x
    >>> [(cut.leaf, cut.at) for cut in cuts(b.graph(), y.name, ["x", "w"])]
    [('w', (('floor', 'floor', None),))]
    """
    found, behind = _Reach(graph, [graph.resolve(of)]), graph.needed_for([of])
    lost = [name for name in leaves if name in behind and name not in found.reached]
    return tuple(Cut(leaf, tuple(dict.fromkeys(found.ends(leaf)))) for leaf in lost)


class _Reach:
    """What the gradients of the nodes ``of`` reach."""

    def __init__(self, graph: Graph, of: Sequence[str]) -> None:
        self.graph, self.of = graph, of
        self.rules: dict[str, tuple[bool, ...]] = {}
        self.inside: dict[str, tuple[_Reach, ...]] = {}
        self.reached = {name for name in of if _is_real(graph.nodes[name])}
        todo = list(self.reached)
        while todo:
            node = graph.nodes[todo.pop()]
            found = {n for n, flows in zip(node.inputs, self.flows(node), strict=True) if flows}
            todo += found - self.reached
            self.reached |= found

    def flows(self, node: Node) -> tuple[bool, ...]:
        """For each operand, whether the node hands a gradient back to it."""
        if node.regions and node.name not in self.inside:
            self.inside[node.name] = tuple(_Reach(r, r.outputs) for r in node.regions)
        rule = self._through(node) if node.regions else self._rule(node)
        real = (_is_real(self.graph.nodes[name]) for name in node.inputs)
        return tuple(a and b for a, b in zip(rule, real, strict=True))

    def _through(self, node: Node) -> tuple[bool, ...]:
        """What a loop or a branch hands back: to the last operands, as its regions take them."""
        count = len(node.inputs)
        found = [
            [False] * (count - len(names)) + [name in inner.reached for name in names]
            for inner in self.inside[node.name]
            for names in [[leaf.name for leaf in inner.graph.leaves("input")]]
        ]
        return tuple(any(each) for each in zip(*found, strict=True))

    def _rule(self, node: Node) -> tuple[bool, ...]:
        """What an operator's own rule hands back: asked once for each operator."""
        key = f"{node.op} {len(node.inputs)}"
        if key not in self.rules:
            op = OPS[node.op]
            if node.op in PASSED or op.vjp is None:
                self.rules[key] = (node.op in PASSED,) * len(node.inputs)
            else:
                builder = Builder(self.graph)
                out, *operands = (builder.value(name) for name in (node.name, *node.inputs))
                g: Value | tuple[Value, ...] = out
                if isinstance(node.type, TupleType):
                    g = tuple(out.item(i) for i in range(len(node.type.items)))
                parts = op.vjp(g, out, *operands, **node.attributes())
                self.rules[key] = tuple(part is not None for part in parts)
        return self.rules[key]

    def ends(self, leaf: str) -> Iterator[End]:
        """Where the gradients end that would reach a leaf: at a node that hands none on, or at one
        that holds no real numbers.
        """
        fed = _fed_by(self.graph, leaf)
        for name in self.of:
            if name in fed and name not in self.reached:
                yield self._end(name)
        for node in self.graph:
            if node.name not in self.reached:
                continue
            for i, (operand, flows) in enumerate(zip(node.inputs, self.flows(node), strict=True)):
                if flows or operand not in fed:
                    continue
                if not _is_real(self.graph.nodes[operand]):
                    yield self._end(operand)
                elif node.name not in self.inside:
                    yield self._end(node.name)
                else:
                    yield from self._ends_inside(node, i)

    def _ends_inside(self, node: Node, operand: int) -> Iterator[End]:
        for inner in self.inside[node.name]:
            names = [leaf.name for leaf in inner.graph.leaves("input")]
            at = operand - (len(node.inputs) - len(names))
            if at >= 0:
                yield from inner.ends(names[at])

    def _end(self, name: str) -> End:
        return name, self.graph.nodes[name].op, self.graph.origin(name).mark


def _fed_by(graph: Graph, leaf: str) -> set[str]:
    """A leaf and all nodes that depend on it."""
    found = {leaf}
    for node in graph:
        if not found.isdisjoint(node.inputs):
            found.add(node.name)
    return found


def _is_real(node: Node) -> bool:
    """Whether a node gives real numbers."""
    return any(type.dtype.is_float for type in tensors(node.type))
