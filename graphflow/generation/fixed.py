"""What does not change while a text is made: an encoder's outputs."""

from __future__ import annotations

from collections.abc import Iterable

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType, type_symbols
from graphflow.passes.modes import resolve_modes
from graphflow.spec.elaborate import GenerationPlan


def fixed_nodes(graph: Graph, plan: GenerationPlan, given: Iterable[str]) -> tuple[str, ...]:
    """The last nodes that depend on what is given, but neither on the tokens, nor on how many
    there are, nor on states that go on. Computed once, they stand for all before them.
    """
    graph = resolve_modes(graph, training=False)
    needed = graph.needed_for(graph.roots())
    sources = {graph.resolve(name) for name in given}
    moving = _reached(graph, {graph.resolve(plan.token), *plan.carry}, ())
    time = plan.fed.time
    size = None if time is None else graph[plan.token].tensor.shape[time]
    symbol = None if isinstance(size, int) else str(size)
    stretched = {n.name for n in graph if symbol in type_symbols(n.type)}
    fixed = _reached(graph, sources, moving | stretched)
    found = []
    for name in fixed & needed:
        node = graph.nodes[name]
        leaves_it = any(r in needed and r not in fixed for r in graph.consumers[name])
        if isinstance(node.type, TensorType) and name not in sources and leaves_it:
            found.append(name)
    return tuple(sorted(found))


def missing_inputs(graph: Graph, fed: Iterable[str]) -> list[Node]:
    """The inputs that a run needs besides the nodes that are fed."""
    graph = resolve_modes(graph, training=False)
    known = {graph.resolve(name) for name in fed}
    wanted, stack = set[str](), list(graph.roots())
    while stack:
        name = stack.pop()
        if name not in wanted | known:
            wanted.add(name)
            stack += graph.nodes[name].inputs
    return [leaf for leaf in graph.leaves("input") if leaf.name in wanted]


def _reached(graph: Graph, sources: set[str], without: Iterable[str]) -> set[str]:
    """``sources`` and the nodes that depend on them, of those that are not ``without``."""
    out = set(without)
    found: set[str] = set()
    for node in graph:
        if node.name not in out and (node.name in sources or not found.isdisjoint(node.inputs)):
            found.add(node.name)
    return found
