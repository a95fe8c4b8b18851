"""``transforms:`` of a data section as plain calls, judged by what the data offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from graphflow.data.transforms import make
from graphflow.diagnostics import Mark, fail, placed
from graphflow.spec.elaborate.bound import describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.kinds import Findings
from graphflow.spec.syntax import Call, Expr, ListExpr, Name
from graphflow.spec.values import Plain


@dataclass(frozen=True)
class TransformCall:
    """One item of ``transforms:`` with its arguments as plain values; ``mark`` places it."""

    name: str
    args: tuple[Plain, ...]
    kwargs: Mapping[str, Plain]
    mark: Mark


def transform_calls(
    elaborator: Elaborator, exprs: Sequence[Expr], let: Scope
) -> tuple[TransformCall, ...]:
    """All items of ``transforms:``; every mistake that shows without data is told at once."""
    findings = Findings()
    calls = [findings.attempt(partial(_checked, elaborator, expr, let)) for expr in exprs]
    findings.finish()
    return tuple(call for call in calls if call is not None)


def _checked(elaborator: Elaborator, expr: Expr, let: Scope) -> TransformCall:
    call = _call(elaborator, expr, let)
    with placed(call.mark):
        make(call.name, call.args, call.kwargs)
    return call


def _call(elaborator: Elaborator, expr: Expr, let: Scope) -> TransformCall:
    """A call with plain arguments: words that ``let`` does not know are names of columns."""
    if isinstance(expr, Name):
        return TransformCall(expr.id, (), {}, expr.mark)
    if not isinstance(expr, Call):
        fail("GF013", "a transform is a call: standardize(height)", expr.mark)
    args = tuple(_argument(elaborator, value, let) for value in expr.args)
    kwargs = {pair.name: _argument(elaborator, pair.value, let) for pair in expr.kwargs}
    return TransformCall(expr.function, args, kwargs, expr.mark)


def _argument(elaborator: Elaborator, expr: Expr, let: Scope) -> Plain:
    if isinstance(expr, ListExpr):
        return [_argument(elaborator, item, let) for item in expr.items]
    if isinstance(expr, Name) and not let.get(expr.id)[0]:
        return expr.id
    value = elaborator.static(expr, let, "an argument of a transform")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    fail("GF026", f"a transform takes numbers, words and lists, not {describe(value)}", expr.mark)
