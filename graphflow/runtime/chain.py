"""The chain rule at one backward node: upstream gradient times local derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    upstream_name = f"{origin.twin}.grad"
    if upstream_name not in values or name not in values:
        return None
    upstream, contribution = values[upstream_name], values[name]
    if isinstance(upstream, tuple) or isinstance(contribution, tuple):
        return None
    local = _local(graph, values, name, upstream_name)
    total = _running_sum(graph, values, name)
    return ChainRule(
        origin.twin, origin.wrt, upstream_name, upstream, contribution, local, total
    )  # fmt: skip


def contributions(graph: Graph, operand: str) -> Iterator[str]:
    """The nodes whose sum is the gradient of ``operand``, in the order of running."""
    prefix = f"{operand}.grad"
    for node in graph:
        alone = node.name == prefix or node.name.startswith(f"{prefix}.")
        if alone and graph.origin(node.name).wrt == operand:
            yield node.name


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
    forward = graph.nodes[twin]
    if not isinstance(OPS[forward.op], Elementwise | PassThrough):
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
    operand = graph.origin(name).wrt
    if operand is None or not name.startswith(f"{operand}.grad."):
        return None
    total: Array | None = None
    for part in contributions(graph, operand):
        value = values.get(part)
        if isinstance(value, np.ndarray | np.generic):
            total = np.asarray(value) if total is None else total + value
        if part == name:
            break
    return total
