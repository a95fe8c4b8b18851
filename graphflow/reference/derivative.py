"""An operator's derivative rule as text: the nodes that its vjp builds, written as expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from graphflow.ir.graph import ArrayLiteral, Node
from graphflow.ir.types import DType, TensorType, TupleType, dtype_named, tensors
from graphflow.ops.builder import Builder, Value
from graphflow.ops.op import Op, Sample
from graphflow.spec.expand import INFIX, call_text, literal, subscript
from graphflow.spec.parser import parse
from graphflow.spec.unparse import unparse

NESTED = 100
"""An expression that would be longer is written in several lines."""


def derivative(op: Op) -> str:
    """Lines ``grad x = ...`` for each operand, over operands, the result and g, its gradient.

    The sizes in them are those of the operator's first differentiable example.

    >>> from graphflow.ops import OPS
    >>> print(derivative(OPS["mul"]))
    grad x = g * y
    grad y = g * x
    """
    sample = next((s for s in op.samples() if s.differentiable and _floats(s)), None)
    if op.vjp is None or sample is None:
        return ""
    builder = Builder()
    operands = _operands(builder, op, sample)
    out = builder.add(op.name, *operands, name="out", **sample.attrs)
    known = set(builder.nodes)
    g = _cotangents(builder, out)
    given = dict(builder.nodes["out"].attrs)
    found = op.vjp(g, out, *operands, **given)
    wanted = {o.name: v for o, v in zip(operands, found, strict=True) if v is not None}
    return _Lines(builder, known, wanted).text()


def _floats(sample: Sample) -> bool:
    return any(not isinstance(x, np.ndarray) or x.dtype.kind == "f" for x in sample.inputs)


def _operands(builder: Builder, op: Op, sample: Sample) -> list[Value]:
    """A leaf for each operand of the sample, called as the operator calls it."""
    names = [name for name in op.operands if not name.startswith("*")]
    rest = next((name[1:].removesuffix("s") for name in op.operands if name.startswith("*")), "")
    names += [f"{rest}{i}" for i in range(len(sample.inputs) - len(names))]
    return [
        builder.input(name, _type(given)) for name, given in zip(names, sample.inputs, strict=True)
    ]


def _type(given: object) -> TensorType:
    if isinstance(given, np.ndarray):
        dtype = DType.FLOAT if given.dtype.kind == "f" else dtype_named(given.dtype.name)
        assert dtype is not None
        return TensorType(dtype, given.shape)
    assert isinstance(given, tuple)
    return TensorType(DType.FLOAT, given[0])


def _cotangents(builder: Builder, out: Value) -> Value | list[Value | None]:
    """g, or g0, g1, ... for an operator with several results."""
    if not isinstance(out.type, TupleType):
        return builder.input("g", out.tensor)
    return [
        builder.input(f"g{i}", t) if t.dtype.is_float else None
        for i, t in enumerate(tensors(out.type))
    ]


class _Lines:
    """The nodes of a rule as expressions, each used once written where it is used."""

    def __init__(self, builder: Builder, known: set[str], wanted: Mapping[str, Value]) -> None:
        self.nodes, self.known = builder.nodes, known
        self.wanted = {operand: value.name for operand, value in wanted.items()}
        self.uses: dict[str, int] = {}
        self.lines: list[str] = []
        self.short: dict[str, str] = {}
        for name in builder.graph(list(self.wanted.values())).needed_for(self.wanted.values()):
            for operand in self.nodes[name].inputs:
                self.uses[operand] = self.uses.get(operand, 0) + 1

    def text(self) -> str:
        results = [(operand, self.expression(name)) for operand, name in self.wanted.items()]
        rows = [f"grad {operand} = {_tidy(text)}" for operand, text in results]
        return "\n".join([*self.lines, *rows])

    def expression(self, name: str) -> str:
        """A value as text: a name, or an expression of values that occur nowhere else."""
        node = self.nodes[name]
        if name in self.short:
            return self.short[name]
        if node.op == "item" and node.inputs[0] == "out":
            return f"out{node.attr('index')}"
        if node.op in ("input", "rng") or name in self.known:
            return name
        text = self._written(node)
        if node.inputs and (self.uses.get(name, 0) > 1 or len(text) > NESTED):
            fresh = f"t{len(self.short) + 1}"
            self.lines.append(f"{fresh} = {_tidy(text)}")
            self.short[name] = text = fresh
        return text

    def _written(self, node: Node) -> str:
        if node.op == "constant":
            value = node.attr("value")
            return literal(value) if not isinstance(value, ArrayLiteral) else "constant"
        operands = [self.expression(n) for n in node.inputs]
        if node.op in INFIX:
            return f" {INFIX[node.op]} ".join(f"({text})" for text in operands)
        if node.op == "neg":
            return f"-({operands[0]})"
        if node.op == "slice":
            before = self.nodes[node.inputs[0]].tensor.shape
            return f"({operands[0]})[{subscript(node, before)}]"
        return call_text(node, operands, node.name)


def _tidy(text: str) -> str:
    """An expression without parentheses that it does not need."""
    return unparse(parse(text))


def shapes(op: Op) -> Sequence[str]:
    """``[2, 3], [3] -> [2]`` for each of the operator's examples, without repetition."""
    found: dict[str, None] = {}
    for sample in op.samples():
        builder = Builder()
        operands = _operands(builder, op, sample)
        out = builder.add(op.name, *operands, name="out", **sample.attrs)
        before = ", ".join(str(list(v.shape)) for v in operands if v.name != "rng") or "nothing"
        after = ", ".join(str(list(t.shape)) for t in tensors(out.type))
        found[f"{before} -> {after}"] = None
    return list(found)
