"""Clipping as nodes: gradients limited by value and by norm before an optimizer sees them."""

from __future__ import annotations

from collections.abc import Mapping

from graphflow.diagnostics import fail
from graphflow.ir.graph import Origin
from graphflow.ir.types import DType
from graphflow.ops.builder import F, Value
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.objective import Objective
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.updating import seeing_step
from graphflow.spec.syntax import Expr


def clipped(
    elaborator: Elaborator, objective: Objective, gradients: Mapping[str, Value], prefix: str
) -> dict[str, Value]:
    """Gradients limited by value and by norm, in the order that ``clip_first`` says.

    By value: g <- min(max(g, -c), c), for every entry (PyTorch's clip_grad_value_). By norm:
    g <- g min(1, c / (|g| + 1e-6)), with |g| over all parameters together (D2L 9.5, PyTorch's
    clip_grad_norm_).
    """
    found = dict(gradients)
    with elaborator.root.builder.within(f"{prefix}.clip", Origin(phase=elaborator.phase)):
        largest = limit(elaborator, objective.clip_value, "clip_value", prefix)
        longest = limit(elaborator, objective.clip_norm, "clip_norm", prefix)
        if objective.clip_first == "norm":
            return by_value(by_norm(found, longest), largest)
        return by_norm(by_value(found, largest), longest)


def limit(elaborator: Elaborator, expr: Expr | None, what: str, prefix: str) -> Value | None:
    """A bound on gradients: a positive number, or a schedule."""
    if expr is None:
        return None
    value = elaborator.evaluate(expr, seeing_step(elaborator), Slot(Place(f"{prefix}.{what}")))
    if isinstance(value, Value):
        if value.shape == () and value.dtype.is_float:
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return elaborator.root.builder.constant(float(value), DType.FLOAT, f"{prefix}.{what}")
    fail("GF033", f"'{what}' is a positive number, not {describe(value)}", expr.mark)


def by_value(gradients: dict[str, Value], largest: Value | None) -> dict[str, Value]:
    """Gradients whose entries are at most ``largest``, either way."""
    if largest is None:
        return gradients
    return {n: F.minimum(F.maximum(g, -largest), largest) for n, g in gradients.items()}


def by_norm(gradients: dict[str, Value], longest: Value | None) -> dict[str, Value]:
    """Gradients scaled so that the norm over all of them is at most ``longest``."""
    if longest is None:
        return gradients
    squares = [F.sum(g * g) for g in gradients.values()]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    norm = F.sqrt(total)
    scale = F.minimum(norm.like(1), longest / (norm + 1e-6))
    return {name: g * scale for name, g in gradients.items()}
