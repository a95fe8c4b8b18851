"""The chain rule at one backward node: upstream gradient times local derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphflow.ir.graph import Graph
from graphflow.ops.core import PassThrough
from graphflow.ops.elementwise import Elementwise
from graphflow.ops.evaluate import Computed, run_node
from graphflow.ops.op import OPS, Array


@dataclass(frozen=True, eq=False)
class ChainRule:
    """One contribution of the chain rule: upstream gradient times local derivative.

    ``upstream`` is the gradient of ``twin``'s result, ``contribution`` what flows on to
    ``operand``; ``local`` is the derivative of the result by the operand where it is a number for
    each element (None where it is a matrix that nobody writes out). ``total`` is the running sum
    at a fan-out, the contributions so far included.
    """

    twin: str
    operand: str
    upstream_name: str
    upstream: Array
    contribution: Array
    local: Array | None
    total: Array | None


def chain_rule(graph: Graph, values: Mapping[str, Computed], name: str) -> ChainRule | None:
    """The chain rule of a backward node that is one operand's contribution; None for any other.

    ``values`` holds what has been computed so far, constants and leaves among it.
    """
    origin = graph.origin(name)
    if origin.twin is None or origin.wrt is None:
        return None
    upstream_name = upstream_of(graph, name)
    if upstream_name is None or upstream_name not in values or name not in values:
        return None
    upstream, contribution = values[upstream_name], values[name]
    if isinstance(upstream, tuple) or isinstance(contribution, tuple):
        return None
    local = _local(graph, values, name, upstream_name)
    total = _running_sum(graph, values, name)
    return ChainRule(
        origin.twin, origin.wrt, upstream_name, upstream, contribution, local, total
    )  # fmt: skip


def upstream_of(graph: Graph, contribution: str) -> str | None:
    """The gradient that a contribution is computed from: that of its twin's result, or of one of
    its results.
    """
    twin = graph.origin(contribution).twin
    assert twin is not None
    todo, seen = list(graph.nodes[contribution].inputs), set[str]()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if _is_gradient(graph, name, twin):
            return name
        if graph.origin(name).twin == twin and graph.origin(name).phase == "backward":
            todo += graph.nodes[name].inputs
    return None


def _is_gradient(graph: Graph, name: str, twin: str) -> bool:
    """Whether a node is the gradient of ``twin`` or of one of its results: a contribution, a sum of
    them, or what backward begins with.
    """
    origin = graph.origin(name)
    if name == f"{twin}.cotangent":
        return True
    owner = origin.wrt or origin.twin
    if owner is None:
        return False
    of_result = owner in graph and graph[owner].op == "item" and twin in graph[owner].inputs
    if origin.phase != "backward" or not (owner == twin or of_result):
        return False
    return origin.wrt is not None or (
        name.startswith(f"{owner}.grad") and graph.nodes[name].op in ("add", "full")
    )


def contributions(graph: Graph, part: str) -> tuple[str, ...]:
    """All contributions that add up to the same gradient as ``part`` does, in the order of adding.

    ``part`` is one of them, or a sum on the way.
    """
    origin = graph.origin(part)
    operand = origin.wrt or origin.twin
    top, parts = part, list[str]()
    while sums := [r for r in graph.consumers[top] if adds(graph, r, operand)]:
        top = sums[0]
    while adds(graph, top, operand):
        top, last = graph.nodes[top].inputs
        parts.append(last)
    return (top, *reversed(parts))


def adds(graph: Graph, name: str, operand: str | None) -> bool:
    """Whether a node adds contributions to the gradient of a value."""
    origin = graph.origin(name)
    return (
        graph.nodes[name].op == "add"
        and origin.phase == "backward"
        and (origin.twin, origin.wrt) == (operand, None)
        and name.startswith(f"{operand}.grad")
    )


def own_steps(graph: Graph, twin: str, upstream: str, node: str) -> bool:
    """Whether a node is an intermediate step of differentiating ``twin``."""
    origin = graph.origin(node)
    return node != upstream and origin.twin == twin and origin.phase == "backward"


def _local(graph: Graph, values: Mapping[str, Computed], name: str, upstream: str) -> Array | None:
    """The local derivative: the same backward nodes, run with an upstream gradient of 1.

    That is the derivative only where every element of the result hangs on its own element of
    the operand; elsewhere it is a matrix, and None is given.
    """
    twin = graph.origin(name).twin
    assert twin is not None
    forward = graph.nodes.get(twin)  # the inside of a loop's backward holds no forward node
    if forward is None or not isinstance(OPS[forward.op], Elementwise | PassThrough):
        return None
    if graph.nodes[name].type != forward.type:
        return None
    one = np.ones_like(values[upstream])

    def again(node: str) -> Computed:
        if node == upstream:
            return one
        found = graph.nodes[node]
        if not own_steps(graph, twin, upstream, node) or found.op == "constant":
            return values[node]
        return run_node(found, [again(n) for n in found.inputs])

    return np.asarray(again(name))


def _running_sum(graph: Graph, values: Mapping[str, Computed], name: str) -> Array | None:
    """The sum of the contributions to an operand up to and with this one, at a fan-out."""
    parts = contributions(graph, name)
    if len(parts) == 1 or name not in parts:
        return None
    total: Array | None = None
    for part in parts[: parts.index(name) + 1]:
        value = values.get(part)
        if value is not None and not isinstance(value, tuple):
            total = value if total is None else total + value
    return total
