"""``tune:`` as meaning: distributions, scheduler and limits of a search, resolved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, did_you_mean, fail
from graphflow.spec.document import TrainDecl, TuneDecl
from graphflow.spec.elaborate.bound import Bound, Poisoned, describe, is_number
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.given import Given, given
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import whole
from graphflow.spec.elaborate.training import Training
from graphflow.spec.kinds import mark_of
from graphflow.spec.syntax import Bool, Call, Expr, Name, Number, String
from graphflow.spec.unparse import unparse
from graphflow.spec.values import Plain
from graphflow.spec.writer import dump

RANGES = {
    "uniform": "uniform(0, 0.5)",
    "loguniform": "loguniform(1e-3, 1)",
    "randint": "randint(1, 5)",
    "lograndint": "lograndint(8, 257)",
}
"""Distributions over an interval, with an example; those of whole numbers leave ``high`` out."""
DISTRIBUTIONS = (*RANGES, "choice")
SAMPLERS = ("random", "tpe", "gp")
SCHEDULERS = {
    "basic": ("max_epochs",),
    "asha": ("min_epochs", "max_epochs", "reduction_factor", "type"),
    "successive_halving": ("min_epochs", "max_epochs", "reduction_factor"),
    "hyperband": ("min_epochs", "max_epochs", "reduction_factor"),
}
GOLDEN = 0.6180339887498949
ASHA_TYPES = ("stopping", "promotion")


@dataclass(frozen=True)
class Dimension:
    """One thing that varies: numbers from ``low`` to ``high``, both included, or ``choices``."""

    name: str
    kind: str
    mark: Mark = field(compare=False, repr=False)
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Plain, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.kind in ("randint", "lograndint")

    @property
    def log(self) -> bool:
        """Whether equal ratios are equally likely, not equal differences."""
        return self.kind in ("loguniform", "lograndint")

    def probes(self) -> tuple[Plain, ...]:
        """The values that show whether all fit: every choice, or both ends and a broken number
        between them where there are any.
        """
        if self.choices:
            return self.choices
        if self.whole:
            return int(self.low), int(self.high)
        return self.low, self.low + GOLDEN * (self.high - self.low), self.high

    def holds(self, value: Plain) -> bool:
        """Whether the distribution can give this value."""
        if self.choices:
            return any(value == c and type(value) is type(c) for c in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (not self.whole or isinstance(value, int))


@dataclass(frozen=True)
class SchedulerPlan:
    """Which trials train on, and how far: ``asha(min_epochs=1, max_epochs=10)``.

    ``whole``: the file counts its training in steps, whose end is the one epoch there is.
    """

    name: str
    max_epochs: int
    min_epochs: int = 1
    reduction_factor: int = 2
    type: str = "stopping"
    whole: bool = False


@dataclass(frozen=True)
class TunePlan:
    """A whole ``tune:`` section, resolved. ``start`` holds the first configurations; ``keep_best``
    says that trials are to keep the checkpoint of the epoch with the best metric, because the file
    itself keeps none.
    """

    space: tuple[Dimension, ...]
    metric: str
    maximise: bool
    scheduler: SchedulerPlan
    sampler: str = "random"
    trials: int | None = None
    time: float | None = None
    workers: int = 1
    seed: int = 0
    start: tuple[Mapping[str, Plain], ...] = ()
    keep_best: bool = False
    mark: Mark | None = field(default=None, compare=False, repr=False)


def tuning(elaborator: Elaborator, training: Training | None) -> TunePlan | None:
    """The plan of a search; errors are kept, and None stands for a section that has some, or for
    none.
    """
    decl, train = elaborator.document.tune, elaborator.document.train
    if decl is None:
        return None
    if train is None:
        fail("GF067", "there is nothing to tune: the file has no 'train:' section", decl.mark,
             help="add train: {minimize: loss, optimizer: sgd(lr=lr)}")  # fmt: skip
    reader = _Reader(elaborator, decl)
    space = [reader.attempt_dimension(n, e) for n, e in decl.space.items()]
    metric = elaborator.attempt(lambda: reader.metric(train))
    scheduler = elaborator.attempt(lambda: reader.scheduler(training))
    sampler = elaborator.attempt(reader.sampler)
    found = [d for d in space if d is not None]
    start = tuple(reader.configuration(values, found) for values in decl.start)
    trials = elaborator.attempt(lambda: reader.count(decl.trials, "trials"))
    workers = elaborator.attempt(lambda: reader.count(decl.workers, "workers"))
    time = elaborator.attempt(reader.time)
    seed = elaborator.attempt(lambda: whole(elaborator, decl.seed, reader.let, 0, "'seed'"))
    if metric is None or scheduler is None or sampler is None:
        return None
    keep_best = train.best is None and not scheduler.whole
    return TunePlan(tuple(found), metric, decl.mode == "max", scheduler, sampler, trials, time,
                    workers or 1, seed or 0, start, keep_best, decl.mark)  # fmt: skip


@dataclass(frozen=True)
class _Reader:
    """Reads one section's expressions over ``let``."""

    elaborator: Elaborator
    decl: TuneDecl

    @property
    def let(self) -> Scope:
        return self.elaborator.module.let

    def number(self, expr: Expr, what: str) -> float:
        return _number(self.elaborator.static(expr, self.let, what), what, expr.mark)

    def count(self, expr: Expr | None, name: str) -> int | None:
        return None if expr is None else _whole(self.number(expr, f"'{name}'"), name, 1, expr.mark)

    def time(self) -> float | None:
        if self.decl.time is None:
            return None
        seconds = self.number(self.decl.time, "'time'")
        if seconds <= 0:
            fail("GF033", f"'time' is a number of seconds above 0, not {seconds}",
                 self.decl.time.mark)  # fmt: skip
        return float(seconds)

    def metric(self, train: TrainDecl) -> str:
        """``part/name``: what the part of the data is measured by."""
        scalar = self.decl.metric
        part, slash, name = scalar.text.partition("/")
        measured = train.measured(part)
        if not slash or not part:
            fail("GF013", f"a metric names a part of the data, such as test/{measured[-1]}, "
                 f"not '{scalar.text}'", scalar.mark)  # fmt: skip
        if name not in measured:
            help = did_you_mean(name, measured) or f"one of {', '.join(measured)}"
            fail("GF020", f"training does not report '{scalar.text}'", scalar.mark,
                 help=f"{help}; others are named under train.report")  # fmt: skip
        return scalar.text

    # -- the space -----------------------------------------------------------------------------
    def attempt_dimension(self, name: str, expr: Expr) -> Dimension | None:
        return self.elaborator.attempt(lambda: self.dimension(name, expr))

    def dimension(self, name: str, expr: Expr) -> Dimension:
        """One entry: a distribution that fits what it replaces."""
        mark = mark_of(self.decl.space, name, self.decl.mark)
        if name.startswith("tune.") or name == "train.epochs":
            fail("GF033", f"'{name}' is the search's own and cannot be searched", mark,
                 help="max_epochs of the scheduler says how long trials train")  # fmt: skip
        if not isinstance(expr, Call) or expr.function not in DISTRIBUTIONS:
            word = expr.function if isinstance(expr, Call) else unparse(expr)
            help = did_you_mean(word, DISTRIBUTIONS) or f"one of {', '.join(DISTRIBUTIONS)}"
            fail("GF021", f"'{word}' is not a distribution", expr.mark, help=help)
        made = self.choice(name, expr, mark) if expr.function == "choice" else self.range(
            name, expr, mark
        )  # fmt: skip
        self.check_fits(made, expr.mark)
        return made

    def range(self, name: str, call: Call, mark: Mark) -> Dimension:
        """An interval with its ends in order; above 0 where it is logarithmic."""
        ends = ("low", "high")
        found = given(self.elaborator, call, ends, self.let, required=ends)
        whole = call.function in ("randint", "lograndint")
        low, high = (_number(found.values[n], f"'{n}'", found.marks[n]) for n in ends)
        if whole and not (isinstance(low, int) and isinstance(high, int)):
            fail("GF033", f"{call.function} is between whole numbers, not {low} and {high}",
                 call.mark, help=f"such as {RANGES[call.function]}")  # fmt: skip
        if not low < high:
            fail("GF033", f"{call.function}: {low} is not below {high}", call.mark,
                 help="the lower end comes first")  # fmt: skip
        if call.function.startswith("log") and low <= 0:
            fail("GF033", f"{call.function} has ends above 0, not {low}", call.mark,
                 help=f"such as {RANGES[call.function]}")  # fmt: skip
        return Dimension(name, call.function, mark, low, high - 1 if whole else high)

    def choice(self, name: str, call: Call, mark: Mark) -> Dimension:
        """A few values: numbers, words, calls."""
        if call.kwargs or not call.args:
            fail("GF022", "choice takes the values to choose from", call.mark,
                 help="such as choice(16, 32, 64)")  # fmt: skip
        values = tuple(map(plain_value, call.args))
        for index, value in enumerate(values):
            if any(value == v and type(value) is type(v) for v in values[:index]):
                fail("GF033", f"choice holds {value} twice", call.args[index].mark)
        return Dimension(name, "choice", mark, choices=values)

    def check_fits(self, made: Dimension, mark: Mark) -> None:
        """A constant of ``let`` that is a number stays one."""
        found, value = self.let.get(made.name)
        if "." in made.name or not found:
            return
        kind = _kind(value)
        allowed = (kind, "other")
        odd = [v for v in made.probes() if kind != "other" and _plain_kind(v) not in allowed]
        if odd:
            fail("GF033", f"'{made.name}' is {describe(value)}, {kind}, which {odd[0]} is not",
                 mark)  # fmt: skip

    def configuration(
        self, given: Mapping[str, Expr], space: list[Dimension]
    ) -> Mapping[str, Plain]:
        """One of ``start``: values that the space holds."""
        found: dict[str, Plain] = {}
        by_name = {dimension.name: dimension for dimension in space}
        for name, expr in given.items():
            mark = mark_of(given, name, expr.mark)
            value, dimension = plain_value(expr), by_name.get(name)
            if dimension is None and name not in self.decl.space:
                help = did_you_mean(name, self.decl.space) or f"it has {', '.join(by_name)}"
                self.elaborator.report(GraphflowError(
                    Diagnostic("GF020", f"the space has no '{name}'", mark, help=help)
                ))  # fmt: skip
            elif dimension is not None and not dimension.holds(value):
                message = f"{value} is not in the space of '{name}'"
                self.elaborator.report(GraphflowError(Diagnostic("GF033", message, expr.mark)))
            found[name] = value
        return found

    # -- scheduler and sampler -------------------------------------------------------------------
    def sampler(self) -> str:
        expr = self.decl.sampler
        if expr is None:
            return "random"
        if not isinstance(expr, Name) or expr.id not in SAMPLERS:
            word = unparse(expr)
            help = did_you_mean(word, SAMPLERS) or f"one of {', '.join(SAMPLERS)}"
            fail("GF021", f"'{word}' is not a sampler", expr.mark, help=help)
        return expr.id

    def scheduler(self, training: Training | None) -> SchedulerPlan:
        """The scheduler's call, with its defaults."""
        expr = self.decl.scheduler
        call = Call(expr.id, (), (), expr.mark) if isinstance(expr, Name) else expr
        if call is None:
            call = Call("basic", (), (), self.decl.mark)
        if not isinstance(call, Call) or call.function not in SCHEDULERS:
            word = call.function if isinstance(call, Call) else unparse(call)
            help = did_you_mean(word, SCHEDULERS) or f"one of {', '.join(SCHEDULERS)}"
            if word == "random":
                help = "random search is sampler: random with scheduler: basic()"
            fail("GF021", f"'{word}' is not a scheduler", call.mark, help=help)
        found = given(self.elaborator, call, SCHEDULERS[call.function], self.let, words=True)
        if training is None:
            raise Poisoned("train")  # its own errors say why
        if call.function == "basic" and not found.values and training.epochs is None:
            return SchedulerPlan("basic", 1, whole=True)
        if self.elaborator.document.data is None:
            fail("GF078", "without data there are no epochs to compare", call.mark,
                 help="scheduler: basic() compares what train.steps come to")  # fmt: skip
        longest = _setting(found, "max_epochs", training.epochs, 1)
        if longest is None:
            fail("GF012", "a search must know how long a trial trains", call.mark,
                 help="give train.epochs, or max_epochs: basic(max_epochs=10)")  # fmt: skip
        least = _setting(found, "min_epochs", 1, 1) or 1
        if least > longest:
            fail("GF033", f"min_epochs {least} is above max_epochs {longest}", call.mark)
        usual = 3 if call.function == "hyperband" else 2
        factor = _setting(found, "reduction_factor", usual, 2) or usual
        return SchedulerPlan(call.function, longest, least, factor, _asha_type(found))


def _number(value: Bound, what: str, mark: Mark) -> int | float:
    """A finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        fail("GF033", f"{what} is a number, not {describe(value)}", mark)
    if not math.isfinite(value):
        fail("GF033", f"{what} is finite, not {value}", mark)
    return value


def _whole(value: Bound, name: str, least: int, mark: Mark) -> int:
    """A whole number from ``least`` on."""
    found = _number(value, f"'{name}'", mark)
    if not isinstance(found, int) or found < least:
        fail("GF033", f"'{name}' is a whole number from {least} on, not {found}", mark)
    return found


def _setting(found: Given, name: str, default: int | None, least: int) -> int | None:
    """A whole number that a scheduler may be given."""
    if name not in found.values:
        return default
    return _whole(found.values[name], name, least, found.marks[name])


def _asha_type(found: Given) -> str:
    """Which of the two ways of ASHA."""
    word = found.values.get("type", ASHA_TYPES[0])
    if not isinstance(word, str) or word not in ASHA_TYPES:
        fail("GF033", f"'type' is {' or '.join(ASHA_TYPES)}, not {describe(word)}",
             found.marks["type"], help=did_you_mean(str(word), ASHA_TYPES))  # fmt: skip
    return word


def plain_value(expr: Expr) -> Plain:
    """A value as an override gives it: a number, true or false, or the text of an expression."""
    if isinstance(expr, Number | Bool):
        return expr.value
    text = unparse(expr)
    return dump(text).strip() if isinstance(expr, String) else text


def _kind(value: Bound) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return "a number" if is_number(value) else "other"


def _plain_kind(value: Plain) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return "a number" if isinstance(value, int | float) else "other"
