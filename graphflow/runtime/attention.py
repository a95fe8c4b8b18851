"""Attention and its derivative found in a graph, and made one node each.

What is looked for is not written down: it is what attention by products and a softmax becomes when
it is differentiated and optimised as every graph is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from graphflow.autodiff import reverse
from graphflow.ir.graph import LEAVES, Graph
from graphflow.ir.types import DType, TensorType
from graphflow.ops.attending import attention, derivative
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.evaluate import evaluate
from graphflow.ops.matmul import swapped
from graphflow.passes import optimise
from graphflow.passes.dead import drop_dead
from graphflow.passes.patterns import Match, Turned, inverse, is_rounding, matched, turned
from graphflow.passes.substitute import rebuilt
from graphflow.passes.verified import verified

SHAPES = {"q": (2, 3, 5, 8), "k": (2, 3, 7, 8), "v": (2, 3, 7, 9), "g": (2, 3, 5, 9)}
"""Shapes in the pattern; what is found has its own."""
Serves = Callable[[TensorType, TensorType], bool]
"""Whether attention of queries and values of these types is to be one node."""
Body = Callable[[TensorType, TensorType, TensorType, float, bool], Graph]


@dataclass(frozen=True)
class Attention:
    """y = softmax(scale q k^T) v in a graph: the values q, k, v, the product y, and, where they are
    computed, the products that are the cotangents of q, k and v, in an order of their axes, with
    the cotangent g of y.
    """

    match: Match
    y: str
    scale: float
    causal: bool
    gradients: tuple[Turned, ...]


def attended(graph: Graph, serves: Serves) -> Graph:
    """A concrete, optimised graph in which attention of four axes is one node, and its derivative
    another, for types that ``serves`` allows, where nothing else reads the weights.
    """
    recipes: dict[str, Callable[[Builder], Value]] = {}
    for found in attentions(graph):
        q, v = (graph.nodes[found.match.inputs[x].base].tensor for x in "qv")
        if serves(q, v):
            recipes |= _Recipes(found).all()
    return verified(drop_dead(rebuilt(graph, recipes)).graph, "attended") if recipes else graph


def attentions(graph: Graph) -> Iterator[Attention]:
    """Each attention of a graph whose weights nothing else reads."""
    products = [node.name for node in graph if node.op == "matmul" and node.tensor.ndim == 4]
    for name in products:
        for pattern in (_pattern(True), _pattern(False)):
            match = matched(pattern, pattern.outputs[0], graph, name, Match())
            if match is not None:
                found = _known(graph, pattern, match, products)
                if found is not None:
                    yield found


@cache
def _pattern(causal: bool) -> Graph:
    """Attention and the cotangents of q, k and v, its outputs."""
    b, dtype = Builder(), DType.FLOAT32
    q, k, v, _ = (b.input(name, TensorType(dtype, shape)) for name, shape in SHAPES.items())
    scores = F.matmul(q, swapped(k)) * b.input("scale", TensorType(dtype))
    if causal:
        earlier = b.input("earlier", TensorType(DType.BOOL, (5, 7)))
        scores = F.where(earlier, scores, scores.like(-np.inf))
    e = F.exp(scores - F.stop_gradient(F.max(scores, axis=(-1,), keepdims=True)))
    y = (e / F.sum(e, axis=(-1,), keepdims=True)) @ v
    graph = reverse(b.graph(), y.name, ["q", "k", "v"], "g")
    cotangents = (graph.gradients[y.name, x] for x in "qkv")
    return optimise(replace(graph, outputs=(y.name, *cotangents)))


def _known(
    graph: Graph, pattern: Graph, match: Match, products: Sequence[str]
) -> Attention | None:
    """What was found, if scale and mask are numbers that are known, and with its derivative, if
    the graph has it.
    """
    scale = graph.nodes[match.inputs["scale"].base].attributes().get("value")
    mask = match.inputs.get("earlier")
    if not isinstance(scale, int | float) or not _is_causal(graph, mask):
        return None
    y = match.nodes[pattern.outputs[0]]
    roots = [turned(pattern, name) for name in pattern.outputs[1:]]
    whole, gradients = match, list[Turned]()
    for root in roots:
        for name in products:
            more = matched(pattern, root.base, graph, name, whole)
            if more is not None:
                whole = more
                gradients.append(Turned(name, root.axes))
                break
    kept = {y, *(each.base for each in gradients)}
    given = (whole.inputs[name].base for name in "qkvg" if name in whole.inputs)
    same = len({graph.nodes[name].tensor.dtype for name in (*kept, *given)}) == 1
    if not same or len(gradients) not in (0, len(roots)) or not _is_alone(graph, whole, kept):
        return None
    return Attention(whole, y, float(scale), mask is not None, tuple(gradients))


def _is_causal(graph: Graph, mask: Turned | None) -> bool:
    """Whether a mask, if there is one, is known and shows query t the keys up to t."""
    if mask is None:
        return True
    needed = graph.needed_for([mask.base])
    if any(graph.nodes[name].op in LEAVES for name in needed):
        return False
    shown = evaluate(graph.restricted_to(needed), {})[mask.base]
    assert isinstance(shown, np.ndarray)
    return bool(np.array_equal(shown, np.tril(np.ones(shown.shape, bool))))


def _is_alone(graph: Graph, match: Match, kept: set[str]) -> bool:
    """Whether nothing but what was found reads its values, those ``kept`` aside."""
    own = set(match.nodes.values())
    inner = [name for name in own - kept if graph.nodes[name].inputs]
    while inner:
        name = inner.pop()
        if name in graph.roots():
            return False
        for reader in graph.consumers[name]:
            if reader in own:
                continue
            node = graph.nodes[reader]
            if node.op != "transpose" and not is_rounding(graph, node):
                return False
            inner.append(reader)
    return True


class _Recipes:
    """How the products that were found are built anew."""

    def __init__(self, found: Attention) -> None:
        self._found = found
        self._forward: Value | None = None
        self._backward: Value | None = None

    def all(self) -> Mapping[str, Callable[[Builder], Value]]:
        """By name of the product."""
        gradients = enumerate(self._found.gradients)
        return {
            self._found.y: self._y,
            **{each.base: partial(self._gradient, i, each.axes) for i, each in gradients},
        }

    def _y(self, builder: Builder) -> Value:
        self._forward = self._called(attention, *self._values(builder, "qkv"))
        return self._forward.item(0)

    def _gradient(self, index: int, axes: tuple[int, ...], builder: Builder) -> Value:
        assert self._forward is not None
        if self._backward is None:
            *given, g = self._values(builder, "qkvg")
            y, logs = builder.value(self._found.y), self._forward.item(1)
            self._backward = self._called(derivative, *given, y, logs, g)
        return _in_order(self._backward.item(index), inverse(axes))

    def _values(self, builder: Builder, names: str) -> list[Value]:
        found = (self._found.match.inputs[name] for name in names)
        return [_in_order(builder.value(each.base), each.axes) for each in found]

    def _called(self, body: Body, *operands: Value) -> Value:
        scale, causal = self._found.scale, self._found.causal
        q, k, v, *_ = (value.tensor for value in operands)
        region = body(q, k, v, scale, causal)
        return F.attending(*operands, body=region, scale=scale, causal=causal)


def _in_order(value: Value, axes: tuple[int, ...]) -> Value:
    """A value with its axes in an order; itself in its own."""
    return value if axes == tuple(range(value.ndim)) else F.transpose(value, axes=axes)
