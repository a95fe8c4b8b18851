"""Which nodes of a graph cuDNN computes on a device, and why not others that it might."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphflow.backends.cuda.arrays import Strides, lying, row_by_row
from graphflow.backends.cudnn import (
    Refused,
    Tensor,
    Wanted,
    attention,
    attention_refused,
    convolution,
    missing,
)
from graphflow.backends.cudnn.convolution import SIDES
from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import TensorType
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array
from graphflow.runtime.attention import attentions

ATTENDING = "attending"


@dataclass(frozen=True)
class Asked:
    """What cuDNN is asked for, and how operands and results lie; or why it is not asked."""

    wanted: Wanted | Refused
    operands: tuple[Tensor, ...] = ()
    results: tuple[Tensor, ...] = ()


def asked(
    graph: Graph, seen: Mapping[str, Computed], exact: bool = False, tf32: bool = False
) -> dict[str, Asked]:
    """What is asked for each such node of a graph whose values lie like those ``seen``."""
    return {
        node.name: asked_for(
            node, [_array(seen[name]) for name in node.inputs], _parts(seen[node.name]), exact, tf32
        )
        for node in graph
        if node.op in (*SIDES, ATTENDING)
    }


def asked_for(
    node: Node, operands: Sequence[Array], results: Sequence[Array], exact: bool, tf32: bool
) -> Asked:
    """What is asked for a convolution or attention on arrays that lie like these."""
    rows = node.op == ATTENDING
    given, made = (tuple(_tensor(x, rows) for x in side) for side in (operands, results))
    wanted: Wanted | Refused
    if rows:
        wanted = attention(node, given, made)
    else:
        wanted = convolution(node, (*given, *made), exact, tf32)
    return Asked(wanted, given, made)


def attends(q: TensorType, v: TensorType) -> bool:
    """Whether attention of queries and values of these types is one node on a device."""
    return _attention_refused(q, v) is None


def unasked(graph: Graph) -> dict[str, Asked]:
    """The attention in an optimised graph that is left as it is, by its last product."""
    found: dict[str, Asked] = {}
    for each in attentions(graph):
        q, v = (graph.nodes[each.match.inputs[x].base].tensor for x in "qv")
        refused = _attention_refused(q, v)
        if refused is not None:
            found[each.y] = Asked(refused)
    return found


def told(one: Asked, otherwise: str = "cupy") -> str:
    """What computes a node, and how; no device need be there. ``otherwise`` does what cuDNN does
    not.
    """
    wanted = missing() or one.wanted
    return refusal(wanted, otherwise) if isinstance(wanted, Refused) else f"cudnn: {wanted.how}"


def _attention_refused(q: TensorType, v: TensorType) -> Refused | None:
    shapes = [tuple(n for n in t.shape if isinstance(n, int)) for t in (q, v)]
    return attention_refused(q.dtype.value, *shapes)


def refusal(refused: Refused, by: str = "cupy") -> str:
    """What computes instead of cuDNN, and why."""
    return f"{by}, since cuDNN {refused.why}"


def _parts(x: Computed) -> tuple[Array, ...]:
    return x if isinstance(x, tuple) else (x,)


def _array(x: Computed) -> Array:
    assert isinstance(x, np.ndarray)
    return x


def _tensor(x: Array, rows: bool) -> Tensor:
    return Tensor(str(x.dtype), x.shape, _strides(x, rows))


def _strides(x: Array, rows: bool) -> Strides:
    """How an array lies for cuDNN, which repeats no element and, with ``rows``, has those of the
    last axis one behind the other: else row by row, in a copy.
    """
    repeats = any(n > 1 and not stride for n, stride in zip(x.shape, x.strides, strict=True))
    apart = rows and x.strides[-1] != x.itemsize
    return row_by_row(x.shape) if repeats or apart or x.flags.c_contiguous else lying(x)
