"""Attention and its derivative, each as one node: what a device's library computes in one call."""

from __future__ import annotations

import numpy as np

from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr, Graph
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.control import check_region, graph_flops
from graphflow.ops.evaluate import run_region
from graphflow.ops.matmul import swapped
from graphflow.ops.op import Array, Namespace, Op, register


@register
class Attending(Op):
    """The outputs of ``body``, which is :func:`attention` or :func:`derivative`.

    Of q (N, H, T, E), k (N, H, S, E) and v (N, H, S, V) the results are y = softmax(scale q k^T) v
    and the logarithms of what the softmax divides by, (N, H, T, 1); of q, k, v, these two and the
    cotangent of y they are the cotangents of q, k and v. With ``causal`` query t sees keys up to t.
    Written by a pass of plans for devices, never by a person.
    """

    family = "control"
    latex = r"\operatorname{{attending}}({operands})"
    arguments = ()

    def infer(self, *operands: TensorType, body: Graph, scale: float, causal: bool) -> ValueType:
        check_region(body, operands, "attending body")
        return TupleType(tuple(body[name].tensor for name in body.outputs))

    def forward(
        self, xp: Namespace, *operands: Array, body: Graph, scale: float, causal: bool
    ) -> tuple[Array, ...]:
        return run_region(body, list(operands), xp)

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        body = attrs["body"]
        assert isinstance(body, Graph)
        return graph_flops(body)


def attention(q: TensorType, k: TensorType, v: TensorType, scale: float, causal: bool) -> Graph:
    """Of q, k and v: y, and the logarithms of the sums. Float16 is summed as float32."""
    builder = Builder()
    queries, keys, values = _inputs(builder, {"q": q, "k": k, "v": v})
    scores = _scores(queries, keys, scale, causal)
    highest = F.max(scores, axis=(-1,), keepdims=True)
    logs = highest + F.log(F.sum(F.exp(scores - highest), axis=(-1,), keepdims=True))
    y = F.exp(scores - logs) @ values
    return builder.graph((y.cast(q.dtype).name, logs.name))


def derivative(q: TensorType, k: TensorType, v: TensorType, scale: float, causal: bool) -> Graph:
    """The cotangents of q, k and v, of these, y, the logarithms, and the cotangent g of y:

    p = e^(scores - logs), ds = scale p * (g v^T - sum(g * y)), dq = ds k, dk = ds^T q, dv = p^T g.
    """
    builder = Builder()
    y = q.with_shape((*q.shape[:-1], v.shape[-1]))
    logs = TensorType(_wide(q.dtype), (*q.shape[:-1], 1))
    types = {"q": q, "k": k, "v": v, "y": y, "logs": logs, "g": y}
    queries, keys, values, means, sums, given = _inputs(builder, types)
    weights = F.exp(_scores(queries, keys, scale, causal) - sums)
    own = F.sum(given * means, axis=(-1,), keepdims=True)
    slopes = weights * (given @ swapped(values) - own) * scale
    found = slopes @ keys, swapped(slopes) @ queries, swapped(weights) @ given
    return builder.graph(tuple(x.cast(q.dtype).name for x in found))


def _inputs(builder: Builder, types: dict[str, TensorType]) -> list[Value]:
    """The inputs of a body, in the number type that sums are made in."""
    values = [builder.input(name, type) for name, type in types.items()]
    return [value.cast(_wide(value.dtype)) for value in values]


def _wide(dtype: DType) -> DType:
    return DType.FLOAT64 if dtype is DType.FLOAT64 else DType.FLOAT32


def _scores(q: Value, k: Value, scale: float, causal: bool) -> Value:
    scores = (q @ swapped(k)) * scale
    if not causal:
        return scores
    queries, keys = q.shape[-2], k.shape[-2]
    assert isinstance(queries, int) and isinstance(keys, int)
    earlier = q.builder.constant(np.tril(np.ones((queries, keys), bool)), DType.BOOL)
    return F.where(earlier, scores, scores.like(-np.inf))
