"""Reverse mode: from a graph to the same graph with its backward nodes.

Backward is graph. Walking the forward nodes from last to first, each node's vjp rule appends the
nodes that turn the gradient of its result into a *contribution* to the gradient of each operand.
Where a value is read more than once its contributions are added by explicit ``add`` nodes: the
multivariate chain rule, visible. Names tell the story::

    q.grad            the gradient of q
    x.grad.q          q's contribution to the gradient of x, where x is read several times
    f.vjp.mul         an intermediate step of differentiating f

Source: D2L 2.5; CS231n, backpropagation; the rules themselves stand with each operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import NoReturn

from graphflow.autodiff.structured import REVERSE_RULES
from graphflow.diagnostics import Note, fail
from graphflow.ir.graph import Graph, Node, Origin
from graphflow.ir.types import TensorType, TupleType
from graphflow.ops.builder import Builder, Value, unbroadcast, zeros_like
from graphflow.ops.op import OPS

BLOCKED = frozenset({"stop_gradient"})
Cotangents = list[Value | None]


def reverse(graph: Graph, of: str, wrt: Sequence[str], cotangent: str | None = None) -> Graph:
    """``graph`` with the nodes that compute the derivative of ``of`` by every name in ``wrt``.

    A scalar ``of`` starts from 1; any other needs ``cotangent``, the name of a node of its shape:
    the result is then the vector-Jacobian product. ``Graph.gradients[of, w]`` names each gradient.
    A ``w`` that ``of`` does not depend on has a gradient of zeros.

    >>> from graphflow.ir.types import DType
    >>> b = Builder()
    >>> x = b.input("x", TensorType(DType.FLOAT))
    >>> y = b.add("mul", x, x, name="y")
    >>> list(reverse(b.graph(), "y", ["x"]).nodes)
    ['x', 'y', 'y.grad', 'x.grad.y', 'x.grad.y2', 'x.grad']
    """
    builder = Builder(graph)
    target = builder.value(graph.resolve(of))
    sources = {w: graph.resolve(w) for w in wrt}
    for w, name in sources.items():
        _real(w, builder.value(name))
    with builder.within(target.name, backward_origin(builder, target.name)):
        seed = builder.value(graph.resolve(cotangent)) if cotangent else None
        found = pull_back(builder, {target.name: seed or ones(target)}, list(sources.values()))
        gradients = dict(graph.gradients)
        for w, name in sources.items():
            value = found[name] or _zero_gradient(builder, name)
            gradients[of, w] = value.name
    built = builder.graph(graph.outputs, graph.updates)
    return replace(built, gradients=gradients)


def _real(name: str, x: Value) -> None:
    """Refuse a derivative by whole numbers or by true and false."""
    if not x.dtype.is_float:
        fail(
            "GF051",
            f"'{name}' holds {x.dtype} values, and derivatives are taken by real numbers",
            help="declare it as float, or take the derivative by what is computed from it",
        )


def ones(target: Value) -> Value:
    """The gradient of a scalar by itself."""
    if target.shape != ():
        fail(
            "GF050",
            f"'{target.name}' has shape {list(target.shape)}; a gradient needs a scalar",
            help="reduce it with sum or mean, or give a cotangent of its shape",
        )
    return target.builder.add(
        "full", shape=(), value=1, dtype=target.dtype, name=f"{target.name}.grad"
    )


def pull_back(
    builder: Builder, seeds: Mapping[str, Value], wrt: Sequence[str]
) -> dict[str, Value | None]:
    """Gradients of ``wrt`` given the gradients ``seeds`` of some results; None where there is none.

    Appends to ``builder`` and leaves nothing there that the gradients do not need.
    """
    before = len(builder.nodes)
    walk = _Walk(builder, seeds, wrt)
    gradients = walk.run()
    prune(builder, before, [g.name for g in gradients.values() if g is not None])
    return gradients


class _Walk:
    """One pass over the forward nodes from last to first."""

    def __init__(self, builder: Builder, seeds: Mapping[str, Value], wrt: Sequence[str]) -> None:
        self.builder = builder
        self.wrt = set(wrt)
        self.order = _needed(builder, seeds)
        self.active = active_nodes(builder, self.order, self.wrt)
        self.parts: dict[tuple[str, int], list[Value]] = {}
        self.seeds = seeds
        self.readers = self.count_readers()
        for name, seed in seeds.items():
            self.parts[name, 0] = [seed]

    def count_readers(self) -> dict[str, int]:
        """How many contributions each value will get: its readers that lead to a seed."""
        readers = dict.fromkeys(self.seeds, 1)
        for name in reversed(self.order):
            if name in self.active and name in readers:
                for operand in self.builder.nodes[name].inputs:
                    readers[operand] = readers.get(operand, 0) + 1
        return readers

    def run(self) -> dict[str, Value | None]:
        gradients: dict[str, Value | None] = dict.fromkeys(self.wrt)
        for name in reversed(self.order):
            if name not in self.active:
                continue
            node = self.builder.nodes[name]
            with self.builder.within(f"{name}.vjp", backward_origin(self.builder, name)):
                parts = self.cotangents(node)
                if name in self.wrt:
                    gradients[name] = parts[0]
                if any(p is not None for p in parts) and node.inputs:
                    self.differentiate(node, parts)
        return gradients

    def cotangents(self, node: Node) -> Cotangents:
        """The gradient of each result of ``node``: the sum of its contributions."""
        count = len(node.type.items) if isinstance(node.type, TupleType) else 1
        return [self.total(node.name, index) for index in range(count)]

    def total(self, name: str, index: int) -> Value | None:
        """Contributions added from first to last reader of the backward pass."""
        parts = self.parts.pop((name, index), [])
        if not parts:
            return None
        total = parts[0]
        for i, part in enumerate(parts[1:], start=2):
            label = f"{name}.grad" if i == len(parts) else f"{name}.grad.add"
            total = self.builder.add("add", total, part, name=label)
        return total

    def differentiate(self, node: Node, parts: Cotangents) -> None:
        """Apply the node's rule and hand each active operand its contribution."""
        if node.op == "item":
            index = node.attr("index")
            assert isinstance(index, int) and parts[0] is not None
            self.parts.setdefault((node.inputs[0], index), []).append(parts[0])
            return
        start = len(self.builder.nodes)
        contributions = self.apply_rule(node, parts)
        for operand, part in zip(node.inputs, contributions, strict=True):
            if part is None or operand not in self.active:
                continue
            value = self.named(node.name, operand, self.fitted(part, operand), start)
            self.parts.setdefault((operand, 0), []).append(value)

    def apply_rule(self, node: Node, parts: Cotangents) -> Sequence[Value | None]:
        """The cotangents of the operands, by the operator's own rule."""
        if node.op in REVERSE_RULES:
            wanted = [name in self.active for name in node.inputs]
            return REVERSE_RULES[node.op](pull_back, self.builder, node, parts, wanted)
        op = OPS[node.op]
        if op.vjp is None:
            no_derivative(self.builder, node)
        out = Value(self.builder, node.name)
        operands = [Value(self.builder, name) for name in node.inputs]
        g = tuple(parts) if isinstance(node.type, TupleType) else parts[0]
        return op.vjp(g, out, *operands, **node.attributes())

    def fitted(self, part: Value, operand: str) -> Value:
        """The contribution in the operand's own shape: broadcasting undone."""
        type = self.builder.nodes[operand].type
        return unbroadcast(part, type) if isinstance(type, TensorType) else part

    def named(self, consumer: str, operand: str, part: Value, start: int) -> Value:
        """The contribution as a node of its own, named after where it flows."""
        only = self.readers[operand] == 1
        label = f"{operand}.grad" if only else f"{operand}.grad.{consumer}"
        nodes = self.builder.nodes
        fresh = list(islice(reversed(nodes), len(nodes) - start))
        read = any(part.name in nodes[name].inputs for name in fresh)
        if part.name not in fresh or read or part.name.endswith(".grad"):
            part = self.builder.add("identity", part, name=label)
        else:
            part = rename(self.builder, part, label)
        origins = self.builder.origins
        origins[part.name] = replace(origins[part.name], wrt=operand)
        return part


def active_nodes(builder: Builder, order: Sequence[str], wrt: set[str]) -> set[str]:
    """The nodes on a differentiable path from ``wrt``: float, and not cut by stop_gradient."""
    active: set[str] = set()
    for name in order:
        node = builder.nodes[name]
        if name in wrt or (
            node.op not in BLOCKED and _is_float(node) and not active.isdisjoint(node.inputs)
        ):
            active.add(name)
    return active


def backward_origin(builder: Builder, name: str) -> Origin:
    """The origin of nodes that differentiate ``name``: its place in the file, phase backward."""
    return replace(builder.origins.get(name, Origin()), phase="backward", twin=name, wrt=None)


def rename(builder: Builder, value: Value, label: str) -> Value:
    """Give a node that nothing reads yet another name; it moves to the end."""
    node, origin = builder.nodes.pop(value.name), builder.origins.pop(value.name)
    name = builder.unique(label)
    builder.nodes[name] = replace(node, name=name)
    builder.origins[name] = origin
    return Value(builder, name)


def prune(builder: Builder, start: int, keep: Sequence[str]) -> None:
    """Drop the nodes appended after the first ``start`` that ``keep`` does not depend on."""
    appended = list(islice(reversed(builder.nodes), len(builder.nodes) - start))
    needed = set(keep)
    for name in appended:
        if name in needed:
            needed.update(builder.nodes[name].inputs)
        else:
            del builder.nodes[name], builder.origins[name]


def no_derivative(builder: Builder, node: Node) -> NoReturn:
    """Refuse to differentiate an operator that has no derivative rule."""
    origin = builder.origins.get(node.name, Origin())
    notes = [Note(f"'{node.name}' is on the path", origin.mark)]
    fail(
        "GF052",
        f"'{node.op}' has no derivative, and the gradient passes through it",
        origin.mark,
        notes=notes,
        help="wrap it in stop_gradient(...) if its result is meant as a constant",
    )


def _zero_gradient(builder: Builder, name: str) -> Value:
    type = builder.nodes[name].tensor
    with builder.within(f"{name}.grad"):
        return zeros_like(builder, type)


def _needed(builder: Builder, seeds: Mapping[str, Value]) -> list[str]:
    """What the seeds' owners depend on, in running order."""
    needed, stack = set(), list(seeds)
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack.extend(builder.nodes[name].inputs)
    return [name for name in builder.nodes if name in needed]


def _is_float(node: Node) -> bool:
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    return any(t.dtype.is_float for t in types)
