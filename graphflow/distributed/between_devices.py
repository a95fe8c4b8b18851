"""The all-reduce of workers that have a device each: means are made between the devices."""

from __future__ import annotations

from typing import Protocol

from graphflow.distributed.all_reduce import Rank
from graphflow.ops.op import Array


class Communicator(Protocol):
    """A worker's part of what connects the devices."""

    def mean(self, value: Array, weight: float) -> Array:
        """The sum over workers of value times weight."""

    def abort(self) -> None:
        """No more means, not even those that are under way."""


class BetweenDevices:
    """An all-reduce of workers that go through the same places in the same order; nobody keeps what
    was found, so that a worker that dies ends the step for all.
    """

    takes_device_arrays = True

    def __init__(self, communicator: Communicator) -> None:
        self._communicator = communicator

    def mean(self, rank: Rank, place: str, value: Array) -> Array:
        """The weighted mean of what all workers of a step give at a place."""
        return self._communicator.mean(value, rank.weights[rank.number])

    def end(self, step: int, error: Exception) -> None:
        """Nobody waits any longer in a step that one of the workers cannot finish."""
        self._communicator.abort()
