"""What fused loops rather compute again than keep, and in what form they take reductions."""

from __future__ import annotations

from math import prod

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.fused import REDUCTIONS, is_free
from graphflow.passes.rematerialise import compute_again
from graphflow.passes.rewrite import Make, Outcome, RuleSet, View, make, rewrite, rule
from graphflow.passes.substitute import assembled, redirected

CHEAP = frozenset({
    "add", "sub", "mul", "div", "neg", "abs", "maximum", "minimum", "relu", "where", "cast",
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_not",
})  # fmt: skip
"""Elementwise operators that take no longer than reading their result would."""
LARGE = 4096
"""Elements from which keeping a value counts."""
FRACTION = 8
"""A value is small beside one that has so many times its elements."""
FLOATS = frozenset({DType.FLOAT32, DType.FLOAT64})


@rule("var")
def variance_as_means(node: Node, view: View) -> Outcome:
    """``var(x) -> mean((x - mean(x))**2)``, times n / (n - correction)"""
    (x,), attrs = node.inputs, node.attributes()
    count = _count(node, view)
    if not count or node.tensor.dtype not in FLOATS:
        return None
    axis, keepdims, correction = attrs["axis"], attrs["keepdims"], attrs["correction"]
    assert isinstance(correction, int | float)
    centred = make("sub", x, make("mean", x, axis=axis, keepdims=True))
    squares = make("pow", centred, _number(2.0, node))
    found = make("mean", squares, axis=axis, keepdims=keepdims)
    return make("mul", found, _number(count / (count - correction), node)) if correction else found


@rule("logsumexp")
def logsumexp_as_sums(node: Node, view: View) -> Outcome:
    """``logsumexp(x) -> log(sum(exp(x - m))) + m``, m the largest element if that is finite"""
    (x,), attrs = node.inputs, node.attributes()
    if not _count(node, view) or node.tensor.dtype not in FLOATS:
        return None
    along = {"axis": attrs["axis"], "keepdims": True}
    top = make("max", x, **along)
    top = make("where", make("isfinite", top), top, _number(0.0, node))
    total = make("sum", make("exp", make("sub", x, top)), **along)
    found = make("add", make("log", total), top)
    return found if attrs["keepdims"] else make("reshape", found, shape=node.tensor.shape)


def _count(node: Node, view: View) -> int:
    """How many elements each result is made of."""
    shape, axis = view.tensor(node.inputs[0]).shape, node.attr("axis")
    assert isinstance(axis, tuple)
    if not axis or 0 in shape:
        return 0
    return prod(shape[a] for a in axis)  # type: ignore[index, misc]


def _number(value: float, node: Node) -> Make:
    return make("constant", value=value, dtype=node.tensor.dtype)


UNFOLDING = RuleSet.of((variance_as_means, logsumexp_as_sums))


def unfolded(graph: Graph) -> Graph:
    """Reductions of several kinds as sums, means and extremes of elementwise nodes, each of which
    is computed once.
    """
    return _shared(rewrite(graph, UNFOLDING).graph)


def _shared(graph: Graph) -> Graph:
    """Equal reductions once, whether or not they keep their axes.

    Nothing else is merged here: what is cheap may well be computed in several loops.
    """
    first: dict[tuple[object, ...], str] = {}
    nodes: dict[str, Node] = {}
    replaced: dict[str, str] = {}
    for node in graph:
        after = redirected(node, replaced)
        if node.op in REDUCTIONS:
            key = (node.op, after.inputs, node.attr("axis"), node.tensor.dtype)
            same = nodes.get(first.setdefault(key, node.name), after)
            if same.type == node.type and same is not after:
                replaced[node.name] = same.name
                continue
            if same is not after:
                shape = (("shape", node.tensor.shape),)
                after = Node("reshape", (same.name,), shape, node.type, node.name)
        nodes[node.name] = after
    return assembled(graph, nodes, replaced)


def recomputed(graph: Graph) -> Graph:
    """Backward computes cheap elementwise values of forward again from the one large value that
    they are made of, so that one is kept and not several.
    """
    return compute_again(graph, _Forgotten(graph).names())


class _Forgotten:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.roots = set(graph.roots())
        self.stored: dict[str, bool] = {}
        self.needs: dict[str, frozenset[str]] = {}

    def names(self) -> set[str]:
        """The values that are not kept for backward, and what only shows them otherwise."""
        found: set[str] = set()
        for node in self.graph:
            shown = is_free(self.graph, node) and node.inputs[0] in found
            if shown or (self.size(node.name) >= LARGE and self.is_forgotten(node)):
                found.add(node.name)
        return found

    def is_forgotten(self, node: Node) -> bool:
        return (
            self.is_cheap(node) and not self.is_stored(node.name) and len(self.made_of(node)) <= 1
        )

    def is_cheap(self, node: Node) -> bool:
        return node.op in CHEAP and self.graph.origin(node.name).phase == "forward"

    def is_stored(self, name: str) -> bool:
        """Whether the value lies in memory in any case: more than elementwise nodes read it."""
        if name not in self.stored:
            readers = [self.graph.nodes[n] for n in self.graph.consumers[name]]
            self.stored[name] = name in self.roots or any(
                self.is_stored(r.name) if is_free(self.graph, r) else not self.is_looped(r)
                for r in readers
            )
        return self.stored[name]

    def is_looped(self, node: Node) -> bool:
        looped = {"sum", "mean", "max", "exp", "pow", "sqrt", "log", "tanh", "sigmoid"}
        return node.op in CHEAP or node.op in looped

    def made_of(self, node: Node) -> frozenset[str]:
        """The large values that a cheap one is computed from; what is made of several is kept."""
        if node.name not in self.needs:
            found: set[str] = set()
            for name in node.inputs:
                operand = self.graph.nodes[name]
                while is_free(self.graph, operand):
                    operand = self.graph.nodes[operand.inputs[0]]
                if self.size(operand.name) * FRACTION <= self.size(node.name):
                    continue
                again = self.is_cheap(operand) and not self.is_stored(operand.name)
                made_of = self.made_of(operand) if again else frozenset()
                found |= made_of if len(made_of) == 1 else {operand.name}
            self.needs[node.name] = frozenset(found)
        return self.needs[node.name]

    def size(self, name: str) -> int:
        type = self.graph.nodes[name].type
        return prod(type.shape) if isinstance(type, TensorType) else 0  # type: ignore[arg-type]
