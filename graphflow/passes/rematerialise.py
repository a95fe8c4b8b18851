"""Rematerialisation: what backward reads before a checkpoint is computed again, not kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ops.core import before_checkpoints
from graphflow.ops.op import get_op
from graphflow.passes.rewrite import Rewritten
from graphflow.passes.substitute import assembled, redirected


def rematerialise(graph: Graph) -> Rewritten:
    """Backward nodes read copies of the forward values that lie before a ``checkpoint``.

    A copy is computed from the nearest checkpoints and leaves just before backward first needs it,
    so the original is free as soon as forward has done with it. Values, random ones too, are
    equal bit for bit: time is spent to save memory. Nothing may merge equal nodes afterwards.
    Source: Chen et al. 2016, Training deep nets with sublinear memory cost.
    """
    forgotten = {n for n in before_checkpoints(graph) if not get_op(graph.nodes[n].op).shared}
    after = compute_again(graph, forgotten)
    count = len(after) - len(graph)
    return Rewritten(after, Counter({"compute_again": count} if count else {}))


def compute_again(graph: Graph, forgotten: set[str]) -> Graph:
    """The graph whose backward nodes read copies of the forward values ``forgotten``."""
    if not forgotten:
        return graph
    again = _Again(graph, forgotten)
    for node in graph:
        again.visit(node)
    return again.graph()


class _Again:
    """The graph being rebuilt, with copies of forgotten nodes where backward needs them."""

    def __init__(self, graph: Graph, forgotten: set[str]) -> None:
        self.before, self.forgotten = graph, forgotten
        self.nodes: dict[str, Node] = {}
        self.copies: dict[str, str] = {}
        self.origins: dict[str, Origin] = {}
        self.taken = {*graph.nodes, *graph.aliases}

    def visit(self, node: Node) -> None:
        """Take over a node; a backward one after the copies that it reads."""
        if self.before.origin(node.name).phase != "forward":
            for operand in node.inputs:
                self.copy(operand)
            node = redirected(node, self.copies)
        self.nodes[node.name] = node

    def copy(self, name: str) -> None:
        """Compute a forgotten value again, and first what it is computed from."""
        stack = [name]
        while stack:
            top = stack[-1]
            if top in self.copies or top not in self.forgotten:
                stack.pop()
                continue
            node = self.before.nodes[top]
            missing = [n for n in node.inputs if n in self.forgotten and n not in self.copies]
            stack += missing
            if not missing:
                fresh = self.fresh(f"{top}.again")
                self.nodes[fresh] = replace(redirected(node, self.copies), name=fresh)
                self.copies[top] = fresh
                self.origins[fresh] = replace(self.before.origin(top), phase="backward", twin=top)

    def fresh(self, name: str) -> str:
        while name in self.taken:
            name += "2"
        self.taken.add(name)
        return name

    def graph(self) -> Graph:
        """The rewritten graph; the original itself where backward reads nothing forgotten."""
        return assembled(self.before, self.nodes, {}, self.origins) if self.copies else self.before
