"""What a step did, in one line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphflow.ir.graph import Graph, Node
from graphflow.ops.evaluate import Computed
from graphflow.runtime.guard import Summary
from graphflow.spec.expand import INFIX
from graphflow.view.written import shown, written

SIGNS = {**INFIX, "mul": "×", "sub": "-"}


FEW = 6
"""Arrays of up to so many elements are told whole."""


def told(
    graph: Graph, node: Node, value: Computed, summary: Summary, known: Callable[[str], Computed]
) -> str:
    """The step as a line: numbers filled in where all of them are single, else shape and range.

    ``known`` gives the value of an operand. A loop or a choice with one result is told as that.
    """
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if not isinstance(value, tuple) and 0 < value.size <= FEW and value.ndim:
        return f"{node.name} = {shown(value)}"
    if summary.shape != () or isinstance(value, tuple):
        return f"{node.name} -> {described(value, summary)}"
    result = number(value)
    operands = [known(name) for name in node.inputs]
    if not operands or any(isinstance(o, tuple) or np.ndim(o) for o in operands):
        return f"{node.name} = {f'{written(node)} = ' if operands else ''}{result}"
    names = [_name(graph, name, known) for name in node.inputs]
    numbers = [number(operand) for operand in operands]
    formulas = [_formula(node.op, names), _formula(node.op, numbers)]
    if node.op == "identity" and graph.origin(node.name).wrt is not None:
        formulas = [f"{names[0]} × 1"]
    return " = ".join(dict.fromkeys([node.name, *formulas, result]))


def _formula(op: str, operands: list[str]) -> str:
    sign = SIGNS.get(op)
    if sign is not None and len(operands) == 2:
        return f" {sign} ".join(map(_bracketed, operands))
    return operands[0] if op == "identity" else f"{op}({', '.join(operands)})"


def _name(graph: Graph, name: str, known: Callable[[str], Computed]) -> str:
    """An operand as it is read: a constant is its number."""
    return number(known(name)) if graph.nodes[name].op == "constant" else name


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


def described(value: Computed, summary: Summary) -> str:
    """A larger value: ``2x16x8x8, mean 0.31, max 4.2``."""
    if isinstance(value, tuple):
        return f"{len(value)} results: " + ", ".join(shape_text(v.shape) for v in value)
    shape = shape_text(summary.shape)
    if summary.minimum is None or summary.mean is None:
        return f"{shape}, no finite entry" if summary.nonfinite else f"{shape}, empty"
    if summary.dtype == "bool":
        return f"{shape}, {summary.mean:.0%} true"
    bad = f", {summary.nonfinite} not finite" if summary.nonfinite else ""
    span = f"from {summary.minimum:.4g} to {summary.maximum:.4g}"
    return f"{shape}, mean {summary.mean:.4g}, {span}{bad}"


def shape_text(shape: tuple[int, ...]) -> str:
    """``2x16x8x8``; a single number is ``scalar``."""
    return "x".join(map(str, shape)) or "scalar"


def number(value: Computed) -> str:
    """One number.

    >>> number(np.array(0.1 + 0.2))
    '0.3'
    """
    item = np.asarray(value).item()
    return f"{item:.6g}" if isinstance(item, float) else str(item).lower()
