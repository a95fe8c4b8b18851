"""What is laid over a drawing: sizes of values and gradients, time, memory.

The flags of gradients, and why they begin where they do:

=========== ================================================================================
vanishing   root mean square below 1e-8: a weight of about 0.1 with a rate of at most 0.1 moves
            by less than float32 can hold beside it (its spacing at 0.1 is 7e-9)
exploding   norm above 1e3: clipping begins at 1 to 10 in the books, so a hundred times that
dead        a ReLU that gives 0 for 99 of 100 entries, and so hands no gradient back through them
nan, inf    an entry that is not finite
=========== ================================================================================
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import floor, isfinite
from typing import Literal

import numpy as np

from graphflow.ir.graph import LEAVES
from graphflow.runtime.guard import Summary, summarise
from graphflow.view.copies import Copies
from graphflow.view.overlay import SHARES, Flag, Marked, Overlay, shared, worst
from graphflow.view.recording.boxed import norm, rms
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.turn import nonfinite
from graphflow.view.steps import Step

VANISHING = 1e-8
EXPLODING = 1e3
DEAD = 0.99
USUAL = (0.05, 0.95)
"""Quantiles between which the buckets of values and gradients lie: what is outside falls into the
first or the last, so that one rounding error of a zero does not take the rest together.
"""
STEPS = (0.125, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
"""Widths of a bucket that may be chosen, in powers of ten."""

Measured = Literal["values", "gradients", "time", "memory"]


def overlay_of(recording: Recording, kind: Measured, copies: Copies) -> Overlay:
    """The marks of every place; inside of loops that are unrolled in time, of every copy of it."""
    make = {"values": _values, "gradients": _gradients, "time": _time, "memory": _memory}[kind]
    return make(recording, copies)


# -- values ----------------------------------------------------------------------------------
def _values(recording: Recording, copies: Copies) -> Overlay:
    marks: dict[str, Marked] = {}
    for place, summary, flag in [*_leaves(recording), *_forward(recording, copies)]:
        amount = rms(summary)
        _add(marks, place, Marked(amount, 0, _text("rms", amount, summary), flag))
    return _scaled("values", marks, recording.failing_place(copies))


def _leaves(recording: Recording) -> Iterator[tuple[str, Summary, Flag]]:
    """What the first turn that has a leaf begins with."""
    seen: set[str] = set()
    for turn in recording.turns:
        for node in turn.graph:
            if node.op in LEAVES and node.op != "rng" and node.name not in seen:
                seen.add(node.name)
                value = np.asarray(turn.values[node.name])
                summary = summarise(value)
                yield node.name, summary, nonfinite([value]) if summary.nonfinite else ""


def _forward(recording: Recording, copies: Copies) -> Iterator[tuple[str, Summary, Flag]]:
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if step.phase == "forward":
            yield step.seen_in(copies), ran.summary, ran.flag


# -- gradients -------------------------------------------------------------------------------
def _gradients(recording: Recording, copies: Copies) -> Overlay:
    marks: dict[str, Marked] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if recording.is_gradient(step):
            amount = norm(ran.summary)
            mark = _graded(amount, ran.flag or _faint(ran.summary))
            mark = replace(mark, text=_text("‖∇‖", amount, ran.summary))
            _add(marks, step.seen_in(copies), mark)
        elif step.op == "relu" and step.phase == "forward" and _dead(recording, step):
            _add(marks, step.seen_in(copies), _graded(0.0, "dead"))
    return _scaled("gradients", marks, recording.failing_place(copies))


def _graded(amount: float, flag: Flag) -> Marked:
    flag = worst((flag, "exploding" if amount > EXPLODING else ""))
    return Marked(amount, 0, f"‖∇‖ {amount:.3g}", flag)


def _faint(summary: Summary) -> Flag:
    return "vanishing" if rms(summary) < VANISHING else ""


def _dead(recording: Recording, step: Step) -> bool:
    value = np.asarray(recording.value(step.index, step.id))
    return value.size > 0 and float(np.mean(value == 0)) >= DEAD


# -- time and memory -------------------------------------------------------------------------
def _time(recording: Recording, copies: Copies) -> Overlay:
    spent: dict[str, float] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if not recording.is_unrolled(step):
            place = step.seen_in(copies)
            spent[place] = spent.get(place, 0.0) + ran.seconds
    return _shared("time", spent)


def _memory(recording: Recording, copies: Copies) -> Overlay:
    held: dict[str, float] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        place = step.seen_in(copies)
        held[place] = held.get(place, 0.0) + ran.bytes
    return _shared("memory", held)


def _shared(kind: Literal["time", "memory"], amounts: Mapping[str, float]) -> Overlay:
    """Marks by the share of the whole."""
    whole = sum(amounts.values())
    marks = {place: shared(kind, amount, whole) for place, amount in amounts.items()}
    return Overlay(kind, _legend([f"{share:.3g}%" for share in np.multiply(SHARES, 100)]), marks,
                   whole=whole)  # fmt: skip


# -- sizes -----------------------------------------------------------------------------------
def _text(what: str, amount: float, summary: Summary) -> str:
    """A single number as it is, with its sign; else its size."""
    if summary.shape == () and summary.mean is not None:
        return f"{summary.mean:.4g}"
    return f"{what} {amount:.3g}"


def _scaled(
    kind: Literal["values", "gradients"], marks: Mapping[str, Marked], failing: str
) -> Overlay:
    """The marks in seven buckets that tell the amounts of this graph apart."""
    edges = edges_of([mark.amount for mark in marks.values()])
    scaled = {
        place: replace(mark, bucket=bisect_right(edges, mark.amount))
        for place, mark in marks.items()
    }
    legend = _legend([f"{edge:.2g}".replace("e-0", "e-").replace("e+0", "e") for edge in edges])
    return Overlay(kind, legend, scaled, failing)


def edges_of(amounts: Sequence[float]) -> tuple[float, ...]:
    """Six edges between seven buckets of equal width on a logarithmic scale, as narrow as the usual
    amounts allow; none where no amount is above 0.

    >>> edges_of([1e-6, 1e-3, 2.0]), edges_of([0.0])
    ((1e-05, 0.0001, 0.001, 0.01, 0.1, 1.0), ())
    """
    logs = np.log10([amount for amount in amounts if amount > 0 and isfinite(amount)])
    if not logs.size:
        return ()
    low, high = np.quantile(logs, USUAL, method="nearest")
    fitting = (step for step in STEPS if floor(high / step) * step - 6 * step <= low)
    step = next(fitting, STEPS[-1])
    return tuple(float(10 ** (step * (floor(high / step) - back))) for back in range(5, -1, -1))


def _legend(edges: Sequence[str]) -> tuple[str, ...]:
    return (f"< {edges[0]}", *(f"≥ {edge}" for edge in edges)) if edges else ("all are 0",)


def _add(marks: dict[str, Marked], place: str, mark: Marked) -> None:
    """One more mark for a place: the largest stays, with the worst flag."""
    known = marks.get(place)
    if known is None:
        marks[place] = mark
        return
    kept = max((known, mark), key=lambda m: m.amount if isfinite(m.amount) else 0.0)
    flag = worst((known.flag, mark.flag))
    marks[place] = Marked(kept.amount, kept.bucket, kept.text, flag)
