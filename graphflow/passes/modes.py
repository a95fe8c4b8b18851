"""Choosing a mode: every ``by_mode`` node gives way to the operand for training or evaluation."""

from __future__ import annotations

from functools import partial

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType
from graphflow.ops.join import Joining
from graphflow.ops.linear import Linear, Multilinear
from graphflow.ops.op import get_op
from graphflow.passes.substitute import assembled, map_regions, redirected

ZERO_IN_ZERO_OUT = frozenset({"cast", "div", "identity", "neg"})
"""Operators that make a zero of a zero first operand, beside the linear ones."""


def resolve_modes(graph: Graph, training: bool) -> Graph:
    """``by_mode(train, evaluation) -> train`` (or ``evaluation``), in regions too.

    Names and aliases of the choice follow to the chosen operand. The gradient of what was not
    chosen is zero; so is all that differentiation made of it, which is left out.
    """
    if not has_modes(graph):
        return graph
    resolving = _Resolving(graph, training)
    for node in graph:
        resolving.place(node)
    return resolving.result()


def has_modes(graph: Graph) -> bool:
    """Whether any choice by mode is left."""
    return any(node.op == "by_mode" or any(map(has_modes, node.regions)) for node in graph)


class _Resolving:
    """A graph under way. ``absent`` holds cotangents of what the mode did not choose.

    An absent node is not in ``nodes`` until something asks for its zeros.
    """

    def __init__(self, graph: Graph, training: bool) -> None:
        self.graph, self.training = graph, training
        self.nodes: dict[str, Node] = {}
        self.replaced: dict[str, str] = {}
        self.absent: dict[str, TensorType] = {}

    def place(self, node: Node) -> None:
        """Add one node, or note what stands for it, or that it is absent."""
        node = redirected(node, self.replaced)
        node = map_regions(node, partial(resolve_modes, training=self.training))
        if node.op == "by_mode":
            choice = node.inputs[0 if self.training else 1]
            self.replaced[node.name] = choice
            if self.is_backward(node.name) and self.is_zero(choice):
                self.absent[choice] = node.tensor
        elif not self.absent.keys().isdisjoint(node.inputs):
            self.simplify(node)
        else:
            self.nodes[node.name] = node

    def is_backward(self, name: str) -> bool:
        return self.graph.origin(name).phase == "backward"

    def is_zero(self, name: str) -> bool:
        node = self.nodes.get(name)
        return node is not None and node.op == "full" and node.attr("value") == 0

    def simplify(self, node: Node) -> None:
        """A node that reads absent cotangents."""
        present = [name for name in node.inputs if name not in self.absent]
        backward = self.is_backward(node.name) and isinstance(node.type, TensorType)
        if backward and _vanishes(node, [name in self.absent for name in node.inputs]):
            self.absent[node.name] = node.tensor
        elif backward and node.op == "add" and self.nodes[present[0]].type == node.type:
            self.replaced[node.name] = present[0]
        else:
            for name in node.inputs:
                self.materialise(name)
            self.nodes[node.name] = node

    def materialise(self, name: str) -> None:
        """Zeros for an absent cotangent that something reads."""
        if name in self.absent and name not in self.nodes:
            type = self.absent[name]
            attrs = (("shape", type.shape), ("value", 0), ("dtype", type.dtype))
            self.nodes[name] = Node("full", (), attrs, type, name)

    def result(self) -> Graph:
        graph = self.graph
        named = (*graph.updates.values(), *graph.aliases.values(), *graph.gradients.values())
        for name in (*graph.outputs, *named):
            self.materialise(self.replaced.get(name, name))
        return assembled(graph, self.nodes, self.replaced)


def _vanishes(node: Node, absent: list[bool]) -> bool:
    """Whether a result is zero because the ``absent`` operands are."""
    op = get_op(node.op)
    if node.op == "mul" or isinstance(op, Multilinear):
        return any(absent)
    if node.op in ("add", "sub") or isinstance(op, Joining):
        return all(absent)
    if node.op == "where":
        return absent[1] and absent[2]
    return absent[0] and (node.op in ZERO_IN_ZERO_OUT or isinstance(op, Linear))
