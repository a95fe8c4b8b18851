"""``check:``: values and gradients that must come out (rule 14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark, fail
from graphflow.spec.kinds import ListOf, Record, Schema, key
from graphflow.spec.leaves import (
    ARRAYS,
    EXPRESSION,
    FEEDS,
    INTEGER,
    NUMBER,
    TEXT,
    Numbers,
    choice,
)
from graphflow.spec.syntax import Expr
from graphflow.spec.values import Map, Value


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a value may be off: ``|value - expected| <= atol + rtol * |expected|``."""

    rtol: float | None = field(default=None, metadata=key("rtol", NUMBER, "relative"))
    atol: float | None = field(default=None, metadata=key("atol", NUMBER, "absolute"))
    mark: Mark | None = field(default=None, compare=False, repr=False)


class _Tolerance:
    """``{rtol: 1e-5, atol: 1e-8}``, or one number for both."""

    def read(self, value: Value, mark: Mark) -> Tolerance:
        if isinstance(value, Map):
            return _TOLERANCE.read(value, mark)
        both = NUMBER.read(value, mark)
        return Tolerance(both, both, mark)

    def schema(self, defs: Schema) -> Schema:
        return {"anyOf": [{"type": "number"}, _TOLERANCE.schema(defs)]}


_TOLERANCE = Record(Tolerance, "a tolerance")


@dataclass(frozen=True, slots=True)
class CheckDecl:
    """Values and gradients from an independent source. Names may be nodes, inputs, parameters."""

    mark: Mark = field(compare=False, repr=False)
    about: str = field(default="", metadata=key("about", TEXT, "where the numbers come from"))
    feed: Mapping[str, Numbers | Expr] = field(
        default_factory=dict, metadata=key("feed", FEEDS, "what the inputs, or any nodes, are")
    )
    params: Mapping[str, Numbers | Expr] = field(
        default_factory=dict, metadata=key("params", FEEDS, "parameters set before")
    )
    expect: Mapping[str, Numbers] = field(
        default_factory=dict, metadata=key("expect", ARRAYS, "values that come out")
    )
    gradient_of: Expr | None = field(
        default=None, metadata=key("gradient_of", EXPRESSION, "the scalar that is differentiated")
    )
    gradients: Mapping[str, Numbers] = field(
        default_factory=dict, metadata=key("gradients", ARRAYS, "its derivative by each name")
    )
    updated: Mapping[str, Numbers] = field(
        default_factory=dict, metadata=key("updated", ARRAYS, "values after steps of train or run")
    )
    steps: int = field(default=1, metadata=key("steps", INTEGER, "how many steps that is"))
    tolerance: Tolerance | None = field(
        default=None, metadata=key("tolerance", _Tolerance(), "{rtol: 1e-5, atol: 1e-8}")
    )
    mode: str = field(default="eval", metadata=key("mode", choice("train", "eval"), "of dropout"))
    seed: int = field(default=0, metadata=key("seed", INTEGER, "of random nodes"))


def _check_check(check: CheckDecl) -> None:
    """Gradients are of something."""
    if check.gradients and check.gradient_of is None:
        fail("GF012", "gradients need the key 'gradient_of'", check.mark)


CHECKS = ListOf(Record(CheckDecl, "a check", check=_check_check), "checks")
