"""Calls of a section's own words: ``beam(4)``, ``asha(min_epochs=1)``, ``pad(x, 9)``.

Their arguments are bound like those of every other call; the values are known when a file is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from graphflow.diagnostics import Mark, fail
from graphflow.spec.elaborate.binding import Arguments, bind, missing
from graphflow.spec.elaborate.bound import Bound, describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.syntax import Call, Expr, ListExpr, Name


@dataclass(frozen=True)
class Given:
    """The arguments of a call by name, and the place of each."""

    values: Mapping[str, Bound]
    marks: Mapping[str, Mark]


def given(
    elaborator: Elaborator,
    call: Call,
    names: Sequence[str],
    let: Scope,
    *,
    required: Collection[str] = (),
    words: bool = False,
) -> Given:
    """What ``call`` gives for the arguments ``names``; with ``words``, names that ``let`` does not
    know stand for themselves.

    Raises GF022 for an argument too many, unknown, given twice or missing.
    """
    positional = [_value(elaborator, expr, let, words) for expr in call.args]
    keywords = {k.name: _value(elaborator, k.value, let, words) for k in call.kwargs}
    marks: dict[str | int, Mark] = {index: expr.mark for index, expr in enumerate(call.args)}
    marks |= {keyword.name: keyword.mark for keyword in call.kwargs}
    values = bind(call.function, names, Arguments(positional, keywords, marks, call.mark))
    for name in names:
        if name in required and name not in values:
            missing(call.function, name, names, call.mark)
    at = dict(zip(names, (expr.mark for expr in call.args), strict=False))
    return Given(values, at | {keyword.name: keyword.value.mark for keyword in call.kwargs})


def _value(elaborator: Elaborator, expr: Expr, let: Scope, words: bool) -> Bound:
    """A number, a truth value, a word, none, or a list of such."""
    if isinstance(expr, ListExpr):
        return tuple(_value(elaborator, item, let, words) for item in expr.items)
    if words and isinstance(expr, Name) and not let.get(expr.id)[0]:
        return expr.id
    value = elaborator.static(expr, let, "a setting")
    if value is None or isinstance(value, bool | int | float | str | tuple):
        return value
    fail("GF026", f"a setting is a number, a word or a list, not {describe(value)}", expr.mark)
