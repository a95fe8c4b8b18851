"""Facts laid over a drawing: a bucket of seven, a short text and a flag for each box."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from graphflow.view.drawing import Drawing
from graphflow.view.workspace import OverlayKind

Flag = Literal["", "nan", "inf", "exploding", "vanishing", "dead", "changed"]
FLAGS: tuple[Flag, ...] = ("nan", "inf", "exploding", "vanishing", "dead", "changed", "")
"""The worst first."""
SUMMED = ("time", "memory")
"""Kinds whose amounts add up in a closed group; of others the largest is shown."""


@dataclass(frozen=True)
class Marked:
    """One box: its ``amount``, in which of the buckets 0 to 6 that falls, and what it says."""

    amount: float
    bucket: int
    text: str
    flag: Flag = ""


@dataclass(frozen=True)
class Overlay:
    """Marks by the id of what is drawn. ``legend`` says what the seven buckets are; ``failing`` is
    the place of the first value that is not finite, if there is one.
    """

    kind: OverlayKind
    legend: tuple[str, ...]
    marks: Mapping[str, Marked] = field(default_factory=dict)
    failing: str = ""

    def seen(self, drawing: Drawing, scale: Callable[[float, Flag], Marked]) -> Overlay:
        """The marks of the boxes that a drawing shows: what is hidden counts for the box that it
        is in. ``scale`` makes a mark of the amount of several.
        """
        gathered: dict[str, list[tuple[str, Marked]]] = {}
        drawn = {node.id for node in drawing.nodes}
        for id, mark in self.marks.items():
            box = id if id in drawn else drawing.shown_as.get(id, "")
            if box in drawn:
                gathered.setdefault(box, []).append((id, mark))
        marks = {box: self._together(box, found, scale) for box, found in gathered.items()}
        failing = drawing.shown_as.get(self.failing, self.failing)
        return replace(self, marks=marks, failing=failing)

    def _together(
        self, box: str, found: list[tuple[str, Marked]], scale: Callable[[float, Flag], Marked]
    ) -> Marked:
        if len(found) == 1:
            return found[0][1]
        flag = worst(mark.flag for _, mark in found)
        if self.kind in SUMMED:
            return scale(sum(mark.amount for _, mark in found), flag)
        flagged = [(id, mark) for id, mark in found if mark.flag == flag]
        id, mark = max(flagged, key=lambda item: item[1].amount)
        short = id.removeprefix(f"{box}.").removeprefix(f"{box}/")
        return replace(mark, text=mark.text if id == box else f"{short}: {mark.text}")


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
