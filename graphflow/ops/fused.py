"""Several operators computed in one go: loops over elements that kernels run through once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graphflow.ir.dims import Dim, Shape
from graphflow.ir.graph import Attr, Graph, Node
from graphflow.ir.types import TensorType, TupleType, ValueType
from graphflow.ops.control import check_region, graph_flops
from graphflow.ops.evaluate import run_region
from graphflow.ops.op import Array, Namespace, Op, register

REDUCTIONS = frozenset({"sum", "mean", "max", "min"})
GATHERS = frozenset({"take_along_axis", "scatter_add_along_axis"})
POWERS = (-1, 1, 2, 3, 4)
"""Exponents whose powers are products and quotients."""
RESHAPING = frozenset({"reshape", "expand_dims", "squeeze", "slice", "unslice", "identity"})


@register
class Fused(Op):
    """The outputs of ``body``, a region of elementwise operators and reductions.

    All of it runs through one space: ``space`` are its sizes, without axes of size 1. A value
    inside has an element at each of its points, or, where ``tail`` is not 0, one for each *row*:
    the last ``tail`` axes are a row, and reductions over just these are used inside. All other
    reductions are results. One output is a single result, several are a tuple. Written by the last
    pass of plans for kernels that fuse, never by a person.
    """

    family = "control"
    latex = r"\operatorname{{fused}}({operands})"
    arguments = ()

    def infer(self, *operands: TensorType, body: Graph, space: Shape, tail: int) -> ValueType:
        check_region(body, operands, "fused body")
        found = tuple(body[name].tensor for name in body.outputs)
        return found[0] if len(found) == 1 else TupleType(found)

    def forward(
        self, xp: Namespace, *operands: Array, body: Graph, space: Shape, tail: int
    ) -> Array | tuple[Array, ...]:
        found = run_region(body, list(operands), xp)
        return found[0] if len(found) == 1 else found

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        body = attrs["body"]
        assert isinstance(body, Graph)
        return graph_flops(body)


def body_of(node: Node) -> Graph:
    """The region of a fused node."""
    body = node.attr("body")
    assert isinstance(body, Graph)
    return body


def squeezed(shape: Shape) -> Shape:
    """A shape without its axes of size 1.

    >>> squeezed((1, 64, 1, 5))
    (64, 5)
    """
    return tuple(d for d in shape if d != 1)


def is_free(graph: Graph, node: Node) -> bool:
    """Whether a node of the graph has the one operand's elements in their order, or repeats them
    only: it adds or drops axes of size 1, or broadcasts.
    """
    if len(node.inputs) != 1 or not isinstance(node.type, TensorType):
        return False
    operand = graph.nodes[node.inputs[0]].type
    if not isinstance(operand, TensorType):
        return False
    if node.op == "broadcast_to":
        return True
    if node.op not in RESHAPING or squeezed(node.tensor.shape) != squeezed(operand.shape):
        return False
    index = node.attributes().get("index", ())
    assert isinstance(index, tuple)
    steps = [part[3] for part in index if isinstance(part, tuple) and part[0] == "slice"]
    return all(step in (None, 1) for step in steps)


def reduced_axes(node: Node, operand: TensorType) -> tuple[int, ...]:
    """The axes that a reduction takes away, counted in the operand's squeezed shape."""
    axis = node.attr("axis")
    assert isinstance(axis, tuple)
    wide = [i for i, d in enumerate(operand.shape) if d != 1]
    return tuple(at for at, i in enumerate(wide) if i in axis)


def may_replace(node: Node, part: int, operand: int) -> bool:
    """Whether result ``part`` of a fused node may be written over the memory of an operand.

    A row is gone through once for each reduction that something waits for. What is written in one
    turn must not be read in a later one.
    """
    body = body_of(node)
    leaf = body.leaves("input")[operand].name
    result = body.nodes[body.outputs[part]]
    if result.op in REDUCTIONS or result.tensor != body.nodes[leaf].tensor:
        return False
    turns = _turns(body)
    reached = {leaf}
    last = 0
    for each in body:
        if reached.isdisjoint(each.inputs):
            continue
        if each.op not in REDUCTIONS:
            reached.add(each.name)
        last = max(last, turns[each.name] - (each.op in REDUCTIONS))
    return turns[result.name] >= last


def _turns(body: Graph) -> dict[str, int]:
    """The turn over its row at which each value is known."""
    turns: dict[str, int] = {}
    for node in body:
        latest = max((turns[name] for name in node.inputs), default=0)
        turns[node.name] = latest + (node.op in REDUCTIONS)
    return turns


def rows_of(space: Sequence[int], tail: int) -> tuple[int, int]:
    """How many rows a space has, and how long they are."""
    end = len(space) - tail
    return prod(space[:end]), prod(space[end:])
