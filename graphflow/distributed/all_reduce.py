"""The all-reduce of a step: each worker gives a value, all have the mean of what they gave."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition
from types import TracebackType
from typing import Protocol

import numpy as np

from graphflow.distributed.parts import mean
from graphflow.ops.all_reduce import reducing_by
from graphflow.ops.op import Array, Namespace


@dataclass(frozen=True)
class Rank:
    """Which worker of a step this is: its number, and each worker's share of rows."""

    step: int
    number: int
    weights: tuple[float, ...]


class Collective(Protocol):
    """What workers have their means from."""

    takes_device_arrays: bool
    """Whether arrays of a device are given as they are; else NumPy's are."""

    def mean(self, rank: Rank, place: str, value: Array) -> Array:
        """The weighted mean of what all workers of a step give at a place; it waits for them."""

    def end(self, step: int, error: Exception) -> None:
        """Nobody waits any longer in a step that one of the workers cannot finish."""


class Reducer:
    """An all-reduce within one process: workers call it from threads, or from elsewhere.

    It remembers what was found in the step under way. A worker that takes the place of one that
    died goes through its part anew, and is told what the others were told; so they need not begin
    again, and the step comes out the same.
    """

    takes_device_arrays = False

    def __init__(self) -> None:
        self._changed = Condition()
        self._step = -1
        self._error: Exception | None = None
        self._given: dict[str, dict[int, Array]] = {}
        self._means: dict[str, Array] = {}

    def mean(self, rank: Rank, place: str, value: Array) -> Array:
        """The weighted mean of what all workers of a step give at a place; it waits for them."""
        with self._changed:
            self._come(rank.step)
            if rank.step == self._step:
                self._give(rank, place, value)
            self._changed.wait_for(lambda: self._is_over(rank.step) or place in self._means)
            if self._is_over(rank.step):
                raise self._error or RuntimeError(f"step {rank.step} is over")
            return self._means[place]

    def end(self, step: int, error: Exception) -> None:
        """Nobody waits any longer in a step that one of the workers cannot finish."""
        with self._changed:
            self._come(step)
            if step == self._step:
                self._error = self._error or error  # the first one; the others are told of it
            self._changed.notify_all()

    def _give(self, rank: Rank, place: str, value: Array) -> None:
        """What a worker gives; the last one's makes the mean."""
        given = self._given.setdefault(place, {})
        given[rank.number] = value
        if len(given) == len(rank.weights) and place not in self._means:
            values = [given[number] for number in range(len(given))]
            self._means[place] = np.asarray(mean(values, rank.weights), value.dtype)
            self._changed.notify_all()

    def _come(self, step: int) -> None:
        """A new step forgets the one before, in which nobody waits any longer."""
        if step > self._step:
            self._step, self._error = step, None
            self._given, self._means = {}, {}
            self._changed.notify_all()

    def _is_over(self, step: int) -> bool:
        return step != self._step or self._error is not None


@dataclass
class Participant:
    """A worker that takes part: the same object in all steps, for plans are bound to it. Inside
    ``with`` the graph's means are those of all workers; if what runs there fails, the others are
    told.
    """

    collective: Collective | None = None
    rank: Rank | None = None

    def at(self, collective: Collective | None, rank: Rank | None) -> Participant:
        """Take a rank before a step; without one the worker is alone."""
        self.collective, self.rank = collective, rank
        return self

    def __enter__(self) -> None:
        self._inside = reducing_by(self)
        self._inside.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self._inside.__exit__(None, None, None)
        if self.collective is None or self.rank is None:
            return
        if isinstance(error, Exception):  # who is killed tells nobody
            self.collective.end(self.rank.step, error)

    def mean(self, place: str, value: Array, xp: Namespace) -> Array:
        """The mean of what all workers have at a place of the graph."""
        if self.collective is None or self.rank is None:
            return value
        if self.collective.takes_device_arrays:
            return self.collective.mean(self.rank, place, value)
        here = np.array(value if xp is np else xp.asnumpy(value))
        found: Array = xp.asarray(self.collective.mean(self.rank, place, here))
        return found
