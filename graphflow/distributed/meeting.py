"""Where workers meet within a step: each gives a value, all have the mean of what they gave."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition
from types import TracebackType
from typing import Protocol

import numpy as np

from graphflow.distributed.parts import mean
from graphflow.ops.all_reduce import attending
from graphflow.ops.op import Array, Namespace


@dataclass(frozen=True)
class Seat:
    """A worker's part in the meetings of a step: its number, and each worker's share of rows."""

    step: int
    number: int
    weights: tuple[float, ...]


class Meeting(Protocol):
    """What workers meet at."""

    takes_device_arrays: bool
    """Whether arrays of a device are given as they are; else NumPy's are."""

    def mean(self, seat: Seat, place: str, value: Array) -> Array:
        """The weighted mean of what all workers of a step give at a place; it waits for them."""

    def end(self, step: int, error: Exception) -> None:
        """Nobody waits any longer in a step that one of the workers cannot finish."""


class Table:
    """A meeting within one process: workers come to it from threads, or by calls from elsewhere.

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

    def mean(self, seat: Seat, place: str, value: Array) -> Array:
        """The weighted mean of what all workers of a step give at a place; it waits for them."""
        with self._changed:
            self._come(seat.step)
            if seat.step == self._step:
                self._give(seat, place, value)
            self._changed.wait_for(lambda: self._is_over(seat.step) or place in self._means)
            if self._is_over(seat.step):
                raise self._error or RuntimeError(f"step {seat.step} is over")
            return self._means[place]

    def end(self, step: int, error: Exception) -> None:
        """Nobody waits any longer in a step that one of the workers cannot finish."""
        with self._changed:
            self._come(step)
            if step == self._step:
                self._error = self._error or error  # the first one; the others are told of it
            self._changed.notify_all()

    def _give(self, seat: Seat, place: str, value: Array) -> None:
        """What a worker gives; the last one's makes the mean."""
        given = self._given.setdefault(place, {})
        given[seat.number] = value
        if len(given) == len(seat.weights) and place not in self._means:
            values = [given[number] for number in range(len(given))]
            self._means[place] = np.asarray(mean(values, seat.weights), value.dtype)
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
class Attendance:
    """A worker at its meetings: the same object in all steps, for plans are bound to it. Inside
    ``with`` the graph's means are the meeting's; if what runs there fails, the others are told.
    """

    meeting: Meeting | None = None
    seat: Seat | None = None

    def at(self, meeting: Meeting | None, seat: Seat | None) -> Attendance:
        """Take a seat, before a step; without one the worker is alone."""
        self.meeting, self.seat = meeting, seat
        return self

    def __enter__(self) -> None:
        self._inside = attending(self)
        self._inside.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self._inside.__exit__(None, None, None)
        if self.meeting is None or self.seat is None:
            return
        if isinstance(error, Exception):  # who is killed tells nobody
            self.meeting.end(self.seat.step, error)

    def mean(self, place: str, value: Array, xp: Namespace) -> Array:
        """The mean of what all workers have at a place of the graph."""
        if self.meeting is None or self.seat is None:
            return value
        if self.meeting.takes_device_arrays:
            return self.meeting.mean(self.seat, place, value)
        here = np.array(value if xp is np else xp.asnumpy(value))
        found: Array = xp.asarray(self.meeting.mean(self.seat, place, here))
        return found
