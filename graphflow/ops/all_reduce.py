"""Where the workers of a data-parallel step meet: the mean of what each of them has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from graphflow.ir.types import TensorType
from graphflow.ops.builder import F, Value
from graphflow.ops.op import Array, Namespace, Op, register


class AllReduce(Protocol):
    """What a worker gives values to, and has their means from."""

    def mean(self, place: str, value: Array, xp: Namespace) -> Array:
        """The mean of what all workers give at a place of the graph, in arrays of ``xp``; it waits
        for them.
        """


_ALL_REDUCE: ContextVar[AllReduce | None] = ContextVar("all_reduce", default=None)


@contextmanager
def reducing_by(all_reduce: AllReduce | None) -> Iterator[None]:
    """What runs inside has its means from an all-reduce; with None it is alone."""
    token = _ALL_REDUCE.set(all_reduce)
    try:
        yield
    finally:
        _ALL_REDUCE.reset(token)


@register
class AllReduceMean(Op):
    r"""The mean of a value over workers, weighted by their rows; the value itself in one process.

    y = \sum_k w_k x_k, where x_k is worker k's value and w_k its share of the rows. Each worker's
    loss is a mean over its own rows, and the batch's loss is the mean of these, weighted alike. So
    the rule is its own transpose: the gradient of x_k is the mean of the workers' gradients of y.
    Operands behind the first are waited for: they give all workers one order of means. Written
    into the graphs of workers, never by a person.
    """

    family = "control"
    latex = r"\operatorname{{mean}}_{{\mathrm{{workers}}}}({x})"
    arguments, waits, shared = (), True, True

    def infer(self, x: TensorType, *after: TensorType, place: str = "") -> TensorType:
        return x

    def forward(self, xp: Namespace, x: Array, *after: Array, place: str) -> Array:
        all_reduce = _ALL_REDUCE.get()
        return x if all_reduce is None else all_reduce.mean(place, x, xp)

    def vjp(
        self, g: Value, out: Value, x: Value, *after: Value, place: str
    ) -> Sequence[Value | None]:
        return (F.all_reduce_mean(g), *(None for _ in after))

    def jvp(
        self, out: Value, inputs: Sequence[Value], tangents: Sequence[Value], *, place: str
    ) -> Value | None:
        return F.all_reduce_mean(tangents[0])
