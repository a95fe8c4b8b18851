"""``transforms:`` of a data section as plain calls; what they mean is for the data to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphflow.diagnostics import Mark, fail
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.syntax import Call, Expr, ListExpr, Name
from graphflow.spec.values import Plain

if TYPE_CHECKING:
    from graphflow.spec.elaborate.feeding import Feeds


@dataclass(frozen=True)
class TransformCall:
    """One item of ``transforms:`` with its arguments as plain values; ``mark`` places it."""

    name: str
    args: tuple[Plain, ...]
    kwargs: Mapping[str, Plain]
    mark: Mark


def transform_call(elaborator: Feeds, expr: Expr, let: Scope) -> TransformCall:
    """A call with plain arguments: words that ``let`` does not know are names of columns."""
    if isinstance(expr, Name):
        return TransformCall(expr.id, (), {}, expr.mark)
    if not isinstance(expr, Call):
        fail("GF013", "a transform is a call: standardize(height)", expr.mark)
    args = tuple(_argument(elaborator, value, let) for value in expr.args)
    kwargs = {pair.name: _argument(elaborator, pair.value, let) for pair in expr.kwargs}
    return TransformCall(expr.function, args, kwargs, expr.mark)


def _argument(elaborator: Feeds, expr: Expr, let: Scope) -> Plain:
    if isinstance(expr, ListExpr):
        return [_argument(elaborator, item, let) for item in expr.items]
    if isinstance(expr, Name) and not let.get(expr.id)[0]:
        return expr.id
    value = elaborator.static(expr, let, "an argument of a transform")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    fail("GF026", f"a transform takes numbers, words and lists, not {describe(value)}", expr.mark)
