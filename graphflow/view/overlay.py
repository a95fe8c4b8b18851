"""Facts laid over a drawing: a bucket of seven, a short text and a flag for each box."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal

from graphflow.view.drawing import Drawing
from graphflow.view.workspace import OverlayKind

ABOUT: Mapping[OverlayKind, str] = {
    "values": "root mean square; of a closed box the largest inside",
    "gradients": "Euclidean norm ‖∇‖; of a closed box the largest inside, parameters too",
    "time": "share of the whole",
    "memory": "share of the whole",
}
Flag = Literal["", "nan", "inf", "exploding", "vanishing", "dead", "changed"]
FLAGS: tuple[Flag, ...] = ("nan", "inf", "exploding", "vanishing", "dead", "changed", "")
"""The worst first."""
SHARES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Between the buckets of time and memory, by share of the whole."""


@dataclass(frozen=True)
class Marked:
    """One box: its ``amount``, in which of the buckets 0 to 6 that falls, and what it says."""

    amount: float
    bucket: int
    text: str
    flag: Flag = ""
    inside: str = ""
    """What it is of, where that is hidden in the box."""


@dataclass(frozen=True)
class Overlay:
    """Marks by the id of what is drawn. ``legend`` says what the seven buckets are; ``failing`` is
    the place of the first value that is not finite, if there is one. In a closed group time and
    memory add up, to ``whole`` over the whole graph; of others the largest is shown.
    """

    kind: OverlayKind
    legend: tuple[str, ...]
    marks: Mapping[str, Marked] = field(default_factory=dict)
    failing: str = ""
    whole: float = 0.0

    @property
    def about(self) -> str:
        """What colour and number mean."""
        return ABOUT.get(self.kind, "")

    def seen(self, drawing: Drawing) -> Overlay:
        """The marks of the boxes that a drawing shows: what is hidden counts for the box that it
        is in.
        """
        gathered: dict[str, list[tuple[str, Marked]]] = {}
        drawn = {node.id for node in drawing.nodes}
        for id, mark in self.marks.items():
            box = id if id in drawn else drawing.shown_as.get(id, "")
            if box in drawn:
                gathered.setdefault(box, []).append((id, mark))
        marks = {box: self._together(box, found) for box, found in gathered.items()}
        failing = drawing.shown_as.get(self.failing, self.failing)
        return replace(self, marks=marks, failing=failing)

    def _together(self, box: str, found: list[tuple[str, Marked]]) -> Marked:
        if len(found) == 1:
            return found[0][1]
        flag = worst(mark.flag for _, mark in found)
        if self.kind == "time" or self.kind == "memory":
            amount = sum(mark.amount for _, mark in found)
            return shared(self.kind, amount, self.whole)
        flagged = [(id, mark) for id, mark in found if mark.flag == flag]
        id, mark = max(flagged, key=lambda item: item[1].amount)
        if id == box:
            return mark
        inside = _within(id, box)
        if self.kind == "changes":
            return replace(mark, text=f"{inside}: {mark.text}")
        largest = mark.amount >= max(other.amount for _, other in found)
        told = "largest inside" if largest else "inside"
        return replace(mark, text=f"{told}: {mark.text}", inside=inside)


def _within(id: str, box: str) -> str:
    """The name of what is in a box, without the path that it shares with it.

    >>> _within("net.conv1.weight", "net.conv1.swept"), _within("net.h", "net")
    ('weight', 'h')
    """
    path, around = re.split(r"[./]", id), re.split(r"[./]", box)
    same = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(path, around, strict=False))
    )
    return ".".join(path[min(same, len(path) - 1) :])


def shared(kind: Literal["time", "memory"], amount: float, whole: float) -> Marked:
    """A share of the time or the memory that all takes."""
    text = seconds_text(amount) if kind == "time" else bytes_text(amount)
    return Marked(amount, bisect_right(SHARES, amount / whole if whole else 0.0), text)


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


def worst(flags: Iterable[Flag]) -> Flag:
    """The worst of several flags."""
    return min(flags, key=FLAGS.index, default="")


@dataclass(frozen=True)
class Failing:
    """The first value that is not finite.

    ``text`` says which step gave it, ``operands`` from what, ``chain`` are the steps that it went
    on to, ``help`` says what to look at.
    """

    index: int
    place: str
    text: str
    operands: tuple[str, ...]
    chain: tuple[int, ...]
    help: str
