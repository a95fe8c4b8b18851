"""Settings of sections: numbers and truth values over ``let``."""

from __future__ import annotations

from graphflow.diagnostics import fail
from graphflow.spec.elaborate import static
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.syntax import Expr


def whole(
    elaborator: Elaborator, expr: Expr | None, scope: Scope, default: int | None, what: str
) -> int | None:
    """A whole number setting."""
    if expr is None:
        return default
    value = elaborator.static(expr, scope, what)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        fail("GF033", f"{what} is a whole number, not {describe(value)}", expr.mark)
    return value


def positive(elaborator: Elaborator, expr: Expr | None, scope: Scope, what: str) -> int:
    """A whole number setting from 1 on, which is 1 where it is not given."""
    value = whole(elaborator, expr, scope, 1, what)
    if not value:
        mark = None if expr is None else expr.mark
        fail("GF033", f"{what} is a whole number from 1 on, not {value}", mark)
    return value


def flag(elaborator: Elaborator, value: Expr | bool | None, let: Scope) -> bool | None:
    """A truth value setting."""
    if value is None or isinstance(value, bool):
        return value
    return static.truth(elaborator.static(value, let, "a setting"), value.mark)
