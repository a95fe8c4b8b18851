"""Clipping as nodes: gradients limited by value and by norm before an optimizer sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from graphflow.diagnostics import fail
from graphflow.ir.graph import Origin
from graphflow.ir.types import DType
from graphflow.ops.builder import F, Value
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.session import Place, Slot
from graphflow.spec.syntax import Expr

if TYPE_CHECKING:
    from graphflow.spec.elaborate.optimising import Objective, Optimising


def clipped(
    session: Optimising, objective: Objective, gradients: Mapping[str, Value], prefix: str
) -> dict[str, Value]:
    """Gradients limited by value and by norm, in the order that ``clip_first`` says.

    By value: g <- min(max(g, -c), c), for every entry (PyTorch's clip_grad_value_). By norm:
    g <- g min(1, c / (|g| + 1e-6)), with |g| over all parameters together (D2L 9.5, PyTorch's
    clip_grad_norm_).
    """
    found = dict(gradients)
    with session.root.builder.within(f"{prefix}.clip", Origin(phase=session.phase)):
        largest = limit(session, objective.clip_value, "clip_value", prefix)
        longest = limit(session, objective.clip_norm, "clip_norm", prefix)
        if objective.clip_first == "norm":
            return by_value(by_norm(found, longest), largest)
        return by_norm(by_value(found, largest), longest)


def limit(session: Optimising, expr: Expr | None, what: str, prefix: str) -> Value | None:
    """A bound on gradients: a positive number, or a schedule."""
    if expr is None:
        return None
    value = session.evaluate(expr, session.seeing_step(), Slot(Place(f"{prefix}.{what}")))
    if isinstance(value, Value):
        if value.shape == () and value.dtype.is_float:
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return session.root.builder.constant(float(value), DType.FLOAT, f"{prefix}.{what}")
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
