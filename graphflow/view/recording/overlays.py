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
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isfinite
from typing import Literal

import numpy as np

from graphflow.ir.graph import LEAVES
from graphflow.runtime.guard import Summary, summarise
from graphflow.view.overlay import SHARES, Flag, Marked, Overlay, shared, worst
from graphflow.view.recording.boxed import norm, rms
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.turn import nonfinite
from graphflow.view.steps import Step

VANISHING = 1e-8
EXPLODING = 1e3
DEAD = 0.99
SIZES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Between the buckets of values, by root mean square."""
NORMS = (1e-8, 1e-6, 1e-4, 1e-2, 1.0, 1e2)
"""Between the buckets of gradients, by norm."""

Measured = Literal["values", "gradients", "time", "memory"]


def overlay_of(recording: Recording, kind: Measured) -> Overlay:
    """The marks of every place."""
    make = {"values": _values, "gradients": _gradients, "time": _time, "memory": _memory}[kind]
    return make(recording)


# -- values ----------------------------------------------------------------------------------
def _values(recording: Recording) -> Overlay:
    marks: dict[str, Marked] = {}
    for place, summary, flag in [*_leaves(recording), *_forward(recording)]:
        amount = rms(summary)
        text = _text("rms", amount, summary)
        _add(marks, place, Marked(amount, bisect_right(SIZES, amount), text, flag))
    return Overlay("values", _legend(SIZES), marks, recording.failing_place)


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


def _forward(recording: Recording) -> Iterator[tuple[str, Summary, Flag]]:
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if step.phase == "forward":
            yield step.place, ran.summary, ran.flag


# -- gradients -------------------------------------------------------------------------------
def _gradients(recording: Recording) -> Overlay:
    marks: dict[str, Marked] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if recording.is_gradient(step):
            amount = norm(ran.summary)
            mark = _graded(amount, ran.flag or _faint(ran.summary))
            _add(marks, step.place, replace(mark, text=_text("norm", amount, ran.summary)))
        elif step.op == "relu" and step.phase == "forward" and _dead(recording, step):
            _add(marks, step.place, _graded(0.0, "dead"))
    return Overlay("gradients", _legend(NORMS), marks, recording.failing_place)


def _graded(amount: float, flag: Flag) -> Marked:
    flag = worst((flag, "exploding" if amount > EXPLODING else ""))
    return Marked(amount, bisect_right(NORMS, amount), f"norm {amount:.3g}", flag)


def _faint(summary: Summary) -> Flag:
    return "vanishing" if rms(summary) < VANISHING else ""


def _dead(recording: Recording, step: Step) -> bool:
    value = np.asarray(recording.value(step.index, step.id))
    return value.size > 0 and float(np.mean(value == 0)) >= DEAD


# -- time and memory -------------------------------------------------------------------------
def _time(recording: Recording) -> Overlay:
    spent: dict[str, float] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if not recording.is_unrolled(step):
            spent[step.place] = spent.get(step.place, 0.0) + ran.seconds
    return _shared("time", spent)


def _memory(recording: Recording) -> Overlay:
    held: dict[str, float] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        held[step.place] = held.get(step.place, 0.0) + ran.bytes
    return _shared("memory", held)


def _shared(kind: Literal["time", "memory"], amounts: Mapping[str, float]) -> Overlay:
    """Marks by the share of the whole."""
    whole = sum(amounts.values())
    legend = (f"below {SHARES[0]:.1%}", *(f"from {low:.1%}" for low in SHARES))
    marks = {place: shared(kind, amount, whole) for place, amount in amounts.items()}
    return Overlay(kind, legend, marks, whole=whole)


# -- sizes -----------------------------------------------------------------------------------
def _text(what: str, amount: float, summary: Summary) -> str:
    """A single number as it is, with its sign; else its size."""
    if summary.shape == () and summary.mean is not None:
        return f"{summary.mean:.4g}"
    return f"{what} {amount:.3g}"


def _legend(edges: tuple[float, ...]) -> tuple[str, ...]:
    return (f"below {edges[0]:g}", *(f"from {low:g}" for low in edges))


def _add(marks: dict[str, Marked], place: str, mark: Marked) -> None:
    """One more mark for a place: the largest stays, with the worst flag."""
    known = marks.get(place)
    if known is None:
        marks[place] = mark
        return
    kept = max((known, mark), key=lambda m: m.amount if isfinite(m.amount) else 0.0)
    flag = worst((known.flag, mark.flag))
    marks[place] = Marked(kept.amount, kept.bucket, kept.text, flag)
