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
from collections.abc import Callable, Iterator, Mapping
from math import isfinite, sqrt

import numpy as np

from graphflow.ir.graph import LEAVES
from graphflow.runtime.guard import Summary, summarise
from graphflow.view.overlay import Flag, Marked, Overlay, worst
from graphflow.view.recording.recording import Recording
from graphflow.view.steps import Step
from graphflow.view.workspace import OverlayKind

VANISHING = 1e-8
EXPLODING = 1e3
DEAD = 0.99
SIZES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Between the buckets of values, by root mean square."""
NORMS = (1e-8, 1e-6, 1e-4, 1e-2, 1.0, 1e2)
"""Between the buckets of gradients, by norm."""
SHARES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Between the buckets of time and memory, by share of the whole."""

Scale = Callable[[float, Flag], Marked]


def overlay_of(recording: Recording, kind: OverlayKind) -> tuple[Overlay, Scale]:
    """The marks of every place, and what makes a mark of an amount."""
    make = {"values": _values, "gradients": _gradients, "time": _time, "memory": _memory}[kind]
    return make(recording)


# -- values ----------------------------------------------------------------------------------
def _values(recording: Recording) -> tuple[Overlay, Scale]:
    scale = _sized(SIZES, "rms")
    marks: dict[str, Marked] = {}
    for place, summary in [*_leaves(recording), *_forward(recording)]:
        _add(marks, place, scale(rms(summary), _broken(summary)))
    return Overlay("values", _legend(SIZES), marks, recording.failing_place), scale


def _leaves(recording: Recording) -> Iterator[tuple[str, Summary]]:
    """What the first turn that has a leaf begins with."""
    seen: set[str] = set()
    for turn in recording.turns:
        for node in turn.graph:
            if node.op in LEAVES and node.op != "rng" and node.name not in seen:
                seen.add(node.name)
                yield node.name, summarise(np.asarray(turn.values[node.name]))


def _forward(recording: Recording) -> Iterator[tuple[str, Summary]]:
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if step.phase == "forward":
            yield step.place, ran.summary


# -- gradients -------------------------------------------------------------------------------
def _gradients(recording: Recording) -> tuple[Overlay, Scale]:
    marks: dict[str, Marked] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if recording.is_gradient(step):
            _add(marks, step.place, _graded(norm(ran.summary), _faint(ran.summary)))
        elif step.op == "relu" and step.phase == "forward" and _dead(recording, step):
            _add(marks, step.place, _graded(0.0, "dead"))
    return Overlay("gradients", _legend(NORMS), marks, recording.failing_place), _graded


def _graded(amount: float, flag: Flag) -> Marked:
    flag = worst((flag, "exploding" if amount > EXPLODING else ""))
    return Marked(amount, bisect_right(NORMS, amount), f"norm {amount:.3g}", flag)


def _faint(summary: Summary) -> Flag:
    broken = _broken(summary)
    return broken or ("vanishing" if rms(summary) < VANISHING else "")


def _dead(recording: Recording, step: Step) -> bool:
    value = np.asarray(recording.value(step.index, step.node))
    return value.size > 0 and float(np.mean(value == 0)) >= DEAD


# -- time and memory -------------------------------------------------------------------------
def _time(recording: Recording) -> tuple[Overlay, Scale]:
    spent: dict[str, float] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        if not recording.is_unrolled(step):
            spent[step.place] = spent.get(step.place, 0.0) + ran.seconds
    return _shared("time", spent, seconds_text)


def _memory(recording: Recording) -> tuple[Overlay, Scale]:
    held: dict[str, float] = {}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        held[step.place] = held.get(step.place, 0.0) + ran.bytes
    return _shared("memory", held, bytes_text)


def _shared(
    kind: OverlayKind, amounts: Mapping[str, float], text: Callable[[float], str]
) -> tuple[Overlay, Scale]:
    """Marks by the share of the whole."""
    whole = sum(amounts.values()) or 1.0

    def scale(amount: float, flag: Flag) -> Marked:
        return Marked(amount, bisect_right(SHARES, amount / whole), text(amount), flag)

    legend = [f"below {SHARES[0]:.1%}", *(f"from {low:.1%}" for low in SHARES)]
    marks = {place: scale(amount, "") for place, amount in amounts.items()}
    return Overlay(kind, tuple(legend), marks), scale


def seconds_text(seconds: float) -> str:
    """``1.3 ms``.

    >>> seconds_text(0.00125), seconds_text(2.5)
    ('1.25 ms', '2.5 s')
    """
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def bytes_text(count: float) -> str:
    """``3.1 MB``.

    >>> bytes_text(512), bytes_text(3_100_000)
    ('512 B', '3.1 MB')
    """
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


# -- sizes -----------------------------------------------------------------------------------
def rms(summary: Summary) -> float:
    """The root mean square of the finite entries."""
    if summary.mean is None or summary.std is None:
        return 0.0
    return sqrt(summary.mean**2 + summary.std**2)


def norm(summary: Summary) -> float:
    """The Euclidean norm of the finite entries."""
    return rms(summary) * sqrt(np.prod(summary.shape, dtype=float) - summary.nonfinite)


def _broken(summary: Summary) -> Flag:
    return "nan" if summary.nonfinite else ""


def _sized(edges: tuple[float, ...], what: str) -> Scale:
    def scale(amount: float, flag: Flag) -> Marked:
        return Marked(amount, bisect_right(edges, amount), f"{what} {amount:.3g}", flag)

    return scale


def _legend(edges: tuple[float, ...]) -> tuple[str, ...]:
    return (f"below {edges[0]:g}", *(f"from {low:g}" for low in edges))


def _add(marks: dict[str, Marked], place: str, mark: Marked) -> None:
    """One more mark for a place: the largest stays, with the worst flag."""
    known = marks.get(place)
    if known is None:
        marks[place] = mark
        return
    kept = max((known, mark), key=lambda m: (m.amount if isfinite(m.amount) else 0.0))
    flag = worst((known.flag, mark.flag))
    marks[place] = Marked(kept.amount, kept.bucket, kept.text, flag)
