"""No operator goes untried: samples drive every other test of this folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest

from graphflow.ir.graph import LEAVES
from graphflow.ir.types import DType, TupleType, tensors
from graphflow.ops import OPS, Builder, Op, Sample, Value
from graphflow.ops.elementwise import Elementwise
from tests.ops.sampling import Case

ELSEWHERE = frozenset({"constant", "item"}) | LEAVES
"""Parts of the graph itself, in every test there is. Control operators have bodies, and tests of
their own; placeholders of derivatives and choices never run."""
SAMPLED = {
    name: op
    for name, op in OPS.items()
    if name not in ELSEWHERE and not op.abstract and op.family != "control"
}


def untried(ops: Mapping[str, Op]) -> list[str]:
    """Operators without a sample, or without a value to compare with or a derivative to check."""
    return [
        name
        for name, op in ops.items()
        if not any(op.random or s.differentiable or s.expected is not None for s in op.samples())
    ]


def unchecked(ops: Mapping[str, Op]) -> list[str]:
    """Operators that hand a gradient on, and have no sample of any size where it is checked."""
    return [
        op.name
        for op in ops.values()
        if op.differentiable
        and any(hands_on(case) for case in samples(op))
        and not any(case.sample.differentiable and has_numbers(case) for case in samples(op))
    ]


def samples(op: Op) -> list[Case]:
    return [Case(op, i, sample) for i, sample in enumerate(op.samples())]


def has_numbers(case: Case) -> bool:
    return any(x.dtype.kind == "f" and x.size for x in case.arrays.values())


def hands_on(case: Case) -> bool:
    """Whether the derivative rule gives a gradient to an operand of real numbers."""
    graph, out = case.graph(DType.FLOAT64)
    builder, node = Builder(graph), graph[out]
    given = [builder.input(f"g{i}", t) if t.dtype.is_float else None
             for i, t in enumerate(tensors(node.type))]  # fmt: skip
    if all(g is None for g in given):
        return False
    operands = [Value(builder, name) for name in node.inputs]
    g = given if isinstance(node.type, TupleType) else given[0]
    assert case.op.vjp is not None
    parts = case.op.vjp(g, Value(builder, out), *operands, **node.attributes())
    return any(p is not None and x.dtype.is_float for p, x in zip(parts, operands, strict=True))


def test_every_operator_has_samples() -> None:
    assert untried(SAMPLED) == []


def test_every_derivative_is_checked() -> None:
    assert unchecked(SAMPLED) == []


class Halved(Elementwise):
    """A new operator, as somebody might write it."""

    name = "halved"

    def forward(self, xp, x):  # type: ignore[no-untyped-def, override]
        return x / 2

    def vjp(self, g: Value, y: Value, x: Value) -> Sequence[Value | None]:
        return (g * 0.5,)

    def samples(self) -> Iterator[Sample]:
        return iter(())


class Vacuous(Halved):
    """Its only sample compares nothing."""

    def samples(self) -> Iterator[Sample]:
        yield Sample([np.ones(3)], differentiable=False)


class Unchecked(Halved):
    """Its value is known, its derivative is checked of nothing only."""

    def samples(self) -> Iterator[Sample]:
        yield Sample([np.ones(3)], {}, np.full(3, 0.5), differentiable=False)
        yield Sample([np.ones(0)], {}, np.ones(0))


@pytest.mark.parametrize("kind", [Halved, Vacuous])
def test_an_operator_without_samples_would_be_found(kind: type[Op]) -> None:
    assert untried({"halved": kind()}) == ["halved"]


def test_a_derivative_without_samples_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPS, "halved", Unchecked())
    assert unchecked({"halved": OPS["halved"]}) == ["halved"]
    assert untried({"halved": OPS["halved"]}) == []
