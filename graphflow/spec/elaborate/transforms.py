"""``transforms:`` of a data section as plain calls, judged by what the data offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from graphflow.data.transforms import arguments, make
from graphflow.diagnostics import Mark, fail, placed
from graphflow.spec.elaborate.bound import Bound
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.given import given
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.kinds import Findings
from graphflow.spec.syntax import Call, Expr, Name


@dataclass(frozen=True)
class TransformCall:
    """One item of ``transforms:`` with its arguments by name; ``mark`` places it."""

    name: str
    given: Mapping[str, Bound]
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
    """A call of a transform; words that ``let`` does not know are names of columns."""
    call = Call(expr.id, (), (), expr.mark) if isinstance(expr, Name) else expr
    if not isinstance(call, Call):
        fail("GF013", "a transform is a call: standardize(height)", expr.mark)
    with placed(call.mark):
        known = arguments(call.function)
        required = [name for name, option in known.items() if option.required]
        values = given(elaborator, call, [*known], let, required=required, words=True).values
        make(call.function, values)
    return TransformCall(call.function, values, call.mark)
