"""Attention and its derivative as cuDNN is asked for them.

It computes them without a matrix of all queries by all keys in memory, in numbers of 16 bits; those
of 32 it rounds first, and has no derivative for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphflow.backends.cudnn.tensors import Refused, Sizes, Tensor
from graphflow.ir.graph import Node

OPERANDS = 3
"""Of attention; its derivative has more."""
HALVES = ("float16", "bfloat16")
MULTIPLE = 8
"""What the numbers of a query, a key and a value are multiples of."""


@dataclass(frozen=True)
class Attention:
    """Attention of q, k and v, or its derivative; ``operands`` and ``results`` are those of an
    ``attending`` node.
    """

    operands: tuple[Tensor, ...]
    results: tuple[Tensor, ...]
    scale: float
    causal: bool

    @property
    def forward(self) -> bool:
        """Whether it is attention itself."""
        return len(self.operands) == OPERANDS

    @property
    def how(self) -> str:
        """What is computed, in a few words."""
        q, k, *_ = self.operands
        _, heads, queries, size = q.shape
        seen = "earlier keys" if self.causal else f"{k.shape[2]} keys"
        what = "attention" if self.forward else "derivative of attention"
        return f"{what}, {heads} heads, {queries} queries of {size}, {seen}"


def attention_refused(dtype: str, q: Sizes, v: Sizes) -> Refused | None:
    """Why cuDNN does not compute attention of queries and values of these shapes; None if it does.
    """
    if dtype == "float32":
        return Refused("computes attention of float32 with fewer digits")
    if dtype not in HALVES:
        return Refused(f"has no attention of {dtype}")
    if q[-1] % MULTIPLE or v[-1] % MULTIPLE:
        return Refused(f"has attention of vectors of 8, 16, 24, ... numbers, not of {q[-1]}")
    return None


def attention(
    node: Node, operands: Sequence[Tensor], results: Sequence[Tensor]
) -> Attention | Refused:
    """An ``attending`` node whose operands and results lie like these, or why cuDNN does not
    compute it.
    """
    q, _, v, *_ = operands
    refused = attention_refused(q.dtype, q.shape, v.shape)
    if refused is not None:
        return refused
    scale, causal = node.attr("scale"), node.attr("causal")
    assert isinstance(scale, float)
    return Attention(tuple(operands), tuple(results), scale, bool(causal))
