"""Putting a rewritten graph together: every table follows the nodes that were replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ops.builder import Builder, Value


def redirected(node: Node, replaced: Mapping[str, str]) -> Node:
    """``node`` reading the replacements of its operands; itself when none was replaced."""
    for name in node.inputs:
        if name in replaced:
            return replace(node, inputs=tuple(replaced.get(n, n) for n in node.inputs))
    return node


def assembled(
    graph: Graph,
    nodes: dict[str, Node],
    replaced: Mapping[str, str],
    origins: Mapping[str, Origin] | None = None,
) -> Graph:
    """``graph`` rewritten to ``nodes``, where ``replaced`` says which node stands for a former one.

    Outputs, updates and gradients follow to the replacements. The name of a replaced node becomes
    an alias of its replacement; names of nodes that are simply gone disappear. ``origins`` holds
    the records of new nodes.
    """

    def follow(name: str) -> str:
        return replaced.get(name, name)

    aliases = {a: follow(n) for a, n in graph.aliases.items()} | dict(replaced)
    known = {**graph.origins, **(origins or {})}
    return Graph(
        nodes,
        tuple(map(follow, graph.outputs)),
        {leaf: follow(n) for leaf, n in graph.updates.items()},
        {a: n for a, n in aliases.items() if n in nodes and a not in nodes},
        {n: o for n, o in known.items() if n in nodes},
        {k: follow(n) for k, n in graph.gradients.items() if follow(n) in nodes},
    )


def rebuilt(graph: Graph, recipes: Mapping[str, Callable[[Builder], Value]]) -> Graph:
    """``graph`` with some nodes built anew, each by the recipe of its name, which it keeps."""
    builder = Builder()
    builder.aliases = {name: name for name in (*graph.nodes, *graph.aliases)}
    for node in graph:
        if node.name not in recipes:
            builder.nodes[node.name] = node
            continue
        with builder.within(node.name, graph.origin(node.name)):
            made = recipes[node.name](builder).node
        builder.origins.pop(made.name)
        builder.nodes[node.name] = replace(builder.nodes.pop(made.name), name=node.name)
    return assembled(graph, builder.nodes, {}, {**builder.origins, **graph.origins})


def map_regions(node: Node, change: Callable[[Graph], Graph]) -> Node:
    """``node`` with every region replaced by ``change(region)``; itself when nothing changes."""
    for _, value in node.attrs:  # most nodes have none: they are asked some ten times in a plan
        if isinstance(value, Graph):
            return _with_regions(node, change)
    return node


def _with_regions(node: Node, change: Callable[[Graph], Graph]) -> Node:
    after = [(k, change(v) if isinstance(v, Graph) else v) for k, v in node.attrs]
    same = all(new is old for (_, new), (_, old) in zip(after, node.attrs, strict=True))
    return node if same else replace(node, attrs=tuple(after))
