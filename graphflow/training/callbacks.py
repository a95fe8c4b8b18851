"""Callbacks: what is told how training goes, and may end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphflow.diagnostics import fail
from graphflow.training.progress import Outcome, Progress


class Callback:
    """Told how training goes. Every method does nothing until a subclass gives it a meaning.

    ``progress.stop()`` ends training after the step or epoch under way. What a method raises ends
    training too, once a checkpoint is written: the run can be resumed.

    >>> import graphflow as gf
    >>> class Patience(gf.Callback):
    ...     def on_step(self, progress, values):
    ...         if values["loss"] < 1.0:
    ...             progress.stop()
    >>> model = gf.loads('''
    ... graphflow: 1
    ... name: n
    ... params: {w: {shape: scalar, init: '4.0'}}
    ... nodes: {f: w ** 2}
    ... train: {minimize: f, optimizer: sgd(lr=0.25), steps: 100}
    ... ''')
    >>> gf.train(model, callbacks=[Patience()]).progress.step
    4
    """

    def on_start(self, progress: Progress, epochs: int | None, steps: int | None) -> None:
        """Before the first step. ``epochs`` and ``steps`` say how far training goes, in all."""

    def on_step(self, progress: Progress, values: Mapping[str, float]) -> None:
        """After each batch, with its reported values: where several make one update
        (``accumulate``), ``progress.step`` stays as it is until the last of them.
        """

    def on_update(self, progress: Progress, values: Mapping[str, float]) -> None:
        """After each update, with the means of the reported values over its batches: before
        ``on_step`` is told of the last one, or after it where an epoch's rest makes the update.
        """

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """After each epoch, with its ``train/...`` and ``test/...``; its checkpoint is written."""

    def on_end(self, outcome: Outcome) -> None:
        """After the last step, unless training ended with an error."""

    def close(self) -> None:
        """At last, however training ended: with an error, too."""


def told(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """The callbacks of a run; GF033 for what is none, a function say."""
    for callback in callbacks:
        if not isinstance(callback, Callback):
            fail("GF033", f"{callback!r} is not a callback",
                 help="make a subclass of graphflow.Callback and give an object of it")  # fmt: skip
    return tuple(callbacks)
