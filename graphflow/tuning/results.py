"""What a search has come to: its best trials, when the best improved, who worked on what when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from graphflow.spec.values import Plain
from graphflow.tuning.asked import Asked
from graphflow.tuning.folder import Event, TuneFolder
from graphflow.tuning.study import trials_of
from graphflow.tuning.trials import Trial


class Best(NamedTuple):
    """The best trial, its metric, and the epoch after which it had it."""

    trial: Trial
    value: float
    epoch: int


class Stretch(NamedTuple):
    """A trial's work without a break, in seconds from the search's begin."""

    trial: int
    worker: int
    begin: float
    end: float


@dataclass(frozen=True)
class Kept:
    """A finished or unfinished search, read from its folder."""

    name: str
    asked: Asked
    trials: Sequence[Trial]
    events: Sequence[Event]

    @classmethod
    def of(cls, path: Path) -> Kept:
        """The search in a folder."""
        folder = TuneFolder.open(path)
        return cls(path.name, folder.asked(), trials_of(path), folder.events())

    @property
    def maximise(self) -> bool:
        """Whether larger metrics are better."""
        return self.asked.mode == "max"

    @property
    def best(self) -> Best | None:
        """The best trial; None where none has a metric."""
        return best_of(self.trials, self.maximise)

    def seconds(self) -> float:
        """When the last thing happened."""
        return max((event.time for event in self.events), default=0.0)


def ranked(trials: Sequence[Trial], maximise: bool) -> list[Trial]:
    """The best first, equal ones in the order in which they began; those without a metric last."""
    sign = -1 if maximise else 1

    def place(trial: Trial) -> tuple[bool, float, int]:
        best = trial.best(maximise)
        return best is None, 0.0 if best is None else sign * best[0], trial.number

    return sorted(trials, key=place)


def best_of(trials: Sequence[Trial], maximise: bool) -> Best | None:
    """The first of :func:`ranked`; None where none has a metric.

    >>> best_of([Trial(0, {}, 2, {1: 0.5, 2: 0.7}), Trial(1, {}, 2, {1: 0.6})], maximise=True)[1:]
    (0.7, 2)
    """
    first = next(iter(ranked(trials, maximise)), None)
    found = None if first is None else first.best(maximise)
    return None if first is None or found is None else Best(first, *found)


def incumbents(kept: Kept) -> tuple[list[float], list[float]]:
    """Moments at which the best metric so far improved, and that metric."""
    moments, best = list[float](), list[float]()
    for event in kept.events:
        if event.event != "epoch" or event.value is None:
            continue
        better = not best or (event.value > best[-1] if kept.maximise else event.value < best[-1])
        if better:
            moments.append(event.time)
            best.append(event.value)
    return moments, best


def stretches(events: Sequence[Event]) -> list[Stretch]:
    """Every stretch of work; one that has not ended reaches the last event.

    >>> stretches([Event(0.0, "start", 4, 1), Event(2.5, "end", 4, 1)])
    [Stretch(trial=4, worker=1, begin=0.0, end=2.5)]
    """
    begun: dict[tuple[int, int], float] = {}
    found = []
    last = max((event.time for event in events), default=0.0)
    for event in events:
        place = (event.trial, event.worker)
        if event.event == "start":
            begun[place] = event.time
        elif event.event == "end" and place in begun:
            found.append(Stretch(*place, begun.pop(place), event.time))
    return found + [Stretch(*place, begin, last) for place, begin in begun.items()]


def shown(configuration: Mapping[str, Plain]) -> str:
    """A configuration on one line.

    >>> shown({"lr": 0.123456, "hidden": 16})
    'lr=0.1235 hidden=16'
    """
    return " ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in configuration.items()
    )
