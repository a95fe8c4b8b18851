"""Derivatives written in a file become graph: gradient, jvp, jacobian, hessian (rule 17).

Placeholders are expanded in running order, so a derivative of a derivative finds its inner
derivative already there as ordinary nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from graphflow.autodiff.forward import push_forward
from graphflow.autodiff.reverse import backward_origin, ones, pull_back
from graphflow.diagnostics import Note, fail
from graphflow.ir.graph import Attr, Graph, Node
from graphflow.ops.builder import Builder, Value, zeros_like


def expand_derivatives(graph: Graph) -> Graph:
    """``graph`` with every derivative placeholder replaced by the nodes that compute it."""
    if not _has_placeholders(graph):
        return graph
    builder = Builder(replace(graph, nodes={}, aliases={}))
    builder.origins.update(graph.origins)
    gradients: dict[str, list[Value]] = {}
    for node in graph:
        builder.origin = graph.origin(node.name)
        if node.op == "gradients":
            gradients[node.name] = _gradient(builder, node)
        elif node.op == "item" and node.inputs[0] in gradients:
            index = node.attr("index")
            assert isinstance(index, int)
            builder.add("identity", gradients[node.inputs[0]][index], name=node.name)
        elif node.op in EXPANSIONS:
            value = EXPANSIONS[node.op](builder, *(builder.value(n) for n in node.inputs))
            builder.add("identity", value, name=node.name)
        else:
            builder.nodes[node.name] = _expand_regions(node)
    built = builder.graph(graph.outputs, graph.updates)
    aliases = {a: n for a, n in graph.aliases.items() if n in built.nodes}
    origins = {n: o for n, o in built.origins.items() if n in built.nodes}
    return replace(built, aliases=aliases, gradients=graph.gradients, origins=origins)


def _gradient(builder: Builder, node: Node) -> list[Value]:
    y, *xs = (builder.value(n) for n in node.inputs)
    with builder.within(f"{node.name}.gradient"):
        found = pull_back(builder, {y.name: _one(builder, y)}, [x.name for x in xs])
        return [found[x.name] or _independent(builder, node, y, x) for x in xs]


def _one(builder: Builder, y: Value) -> Value:
    """The gradient of y by itself, as a step of the backward pass."""
    with builder.within(y.name, backward_origin(builder, y.name)):
        return ones(y)


def _independent(builder: Builder, node: Node, y: Value, x: Value) -> Value:
    """Zeros where the file allows them; otherwise an error that says so."""
    if not node.attr("zero"):
        mark = builder.origins[node.name].mark
        fail(
            "GF053",
            f"'{y.name}' does not depend on '{x.name}', so its gradient is zero everywhere",
            mark,
            notes=[Note(f"'{x.name}' comes from here", builder.origins[x.name].mark)],
            help="write zero=true in gradient(...) if that is meant",
        )
    return zeros_like(builder, x.tensor)


def _jvp(builder: Builder, y: Value, x: Value, v: Value) -> Value:
    found = push_forward(builder, {x.name: v}, [y.name])[y.name]
    return found or zeros_like(builder, y.tensor)


def _jacobian(builder: Builder, y: Value, x: Value) -> Value:
    """One vector-Jacobian product for each element of y, run as a scan over unit vectors."""
    seed = builder.input(builder.unique(f"{y.name}.unit"), y.tensor)
    before = set(builder.nodes)
    gradient = pull_back(builder, {y.name: seed}, [x.name])[x.name]
    shape = (*y.shape, *x.shape)
    if gradient is None:
        del builder.nodes[seed.name]
        return builder.add("full", shape=shape, value=0, dtype=x.dtype)
    rows = y.size
    body, captured = _outlined(builder, seed, gradient, set(builder.nodes) - before)
    units = builder.add("eye", n=rows, dtype=y.dtype)
    units = builder.add("reshape", units, shape=(rows, *y.shape))
    stacked = builder.add(
        "scan", units, *captured, body=body, carries=0, sequences=1, length=rows, reverse=False
    )
    return builder.add("reshape", stacked.item(0), shape=shape)


def _outlined(
    builder: Builder, seed: Value, gradient: Value, appended: set[str]
) -> tuple[Graph, list[Value]]:
    """Move the appended nodes that depend on ``seed`` into a region; the region, its captures."""
    moved = {seed.name}
    for name in [n for n in builder.nodes if n in appended]:
        if not moved.isdisjoint(builder.nodes[name].inputs):
            moved.add(name)
    inside = Builder()
    inside.input(seed.name, seed.tensor)
    inner = [n for n in builder.nodes if n in moved and n != seed.name]
    outer = dict.fromkeys(
        operand for n in inner for operand in builder.nodes[n].inputs if operand not in moved
    )
    for name in outer:
        inside.input(name, builder.nodes[name].tensor)
    for name in inner:
        inside.nodes[name] = builder.nodes.pop(name)
        inside.origins[name] = builder.origins.pop(name)
    result = inside.value(gradient.name)
    if gradient.name == seed.name:
        result = inside.add("identity", result)
    del builder.nodes[seed.name]
    return inside.graph([result.name]), [builder.value(n) for n in outer]


def _hessian(builder: Builder, y: Value, x: Value) -> Value:
    first = pull_back(builder, {y.name: _one(builder, y)}, [x.name])[x.name]
    if first is None:
        return builder.add("full", shape=(*x.shape, *x.shape), value=0, dtype=x.dtype)
    return _jacobian(builder, first, x)


EXPANSIONS: dict[str, Callable[..., Value]] = {
    "jvp": _jvp,
    "jacobian": _jacobian,
    "hessian": _hessian,
}


def _expand_regions(node: Node) -> Node:
    if not node.regions:
        return node
    attrs: list[tuple[str, Attr]] = [
        (key, expand_derivatives(value) if isinstance(value, Graph) else value)
        for key, value in node.attrs
    ]
    return replace(node, attrs=tuple(attrs))


def _has_placeholders(graph: Graph) -> bool:
    return any(
        node.op == "gradients" or node.op in EXPANSIONS or any(map(_has_placeholders, node.regions))
        for node in graph
    )
