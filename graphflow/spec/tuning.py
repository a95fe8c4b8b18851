"""The section ``tune:``: which settings are searched, for what, how (rule 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark, fail
from graphflow.spec.kinds import ListOf, MapOf, Record, key
from graphflow.spec.leaves import EXPRESSION, SCALAR, choice, path_name
from graphflow.spec.syntax import Expr
from graphflow.spec.values import Scalar

SPACE = MapOf(EXPRESSION, path_name, "distributions")
START = ListOf(MapOf(EXPRESSION, path_name, "values"), "configurations")


@dataclass(frozen=True, slots=True)
class TuneDecl:
    """A search of hyperparameters: names of ``let``, or paths as ``--set`` takes them."""

    space: Mapping[str, Expr] = field(
        metadata=key("space", SPACE, "uniform, loguniform, randint, lograndint or choice by name")
    )
    metric: Scalar = field(
        metadata=key("metric", SCALAR, "what is compared, such as test/accuracy")
    )
    mode: str = field(metadata=key("mode", choice("max", "min"), "which metric is better"))
    mark: Mark = field(compare=False, repr=False)
    trials: Expr | None = field(
        default=None, metadata=key("trials", EXPRESSION, "configurations tried in all")
    )
    time: Expr | None = field(
        default=None, metadata=key("time", EXPRESSION, "seconds after which the search stops")
    )
    workers: Expr | None = field(
        default=None, metadata=key("workers", EXPRESSION, "trials at one time; 1 if absent")
    )
    scheduler: Expr | None = field(
        default=None,
        metadata=key("scheduler", EXPRESSION, "basic, asha, successive_halving or hyperband"),
    )
    sampler: Expr | None = field(
        default=None, metadata=key("sampler", EXPRESSION, "random (if absent), tpe or gp")
    )
    seed: Expr | None = field(
        default=None, metadata=key("seed", EXPRESSION, "of the configurations; 0 if absent")
    )
    start: tuple[Mapping[str, Expr], ...] = field(
        default=(), metadata=key("start", START, "configurations that are tried first")
    )


def _check_tune(tune: TuneDecl) -> None:
    """A search draws something, and ends."""
    if not tune.space:
        fail("GF012", "a search needs something to vary under 'space'", tune.mark,
             help="such as 'lr: loguniform(1e-3, 1)', where 'let' declares lr")  # fmt: skip
    if tune.trials is None and tune.time is None:
        fail("GF012", "a search needs the key 'trials' or 'time'", tune.mark, help="trials: 20")


TUNE = Record(TuneDecl, "tuning", check=_check_tune)
