"""One frame by itself: what stands in it, as plain data, and where it is put.

Lengths here run along u, across the direction of reading, and v, in the direction of reading, so
that both directions are one. Items are numbered: boxes and inner frames first, then the entries of
values at the upper border, then their exits at the lower one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from graphflow.view.drawing import Point


class Wire(NamedTuple):
    """The part of a link that lies in one frame, from item to item.

    ``leave`` and ``enter`` are where on the items' borders its ends are, from their middles.
    ``label`` is the size of its label, (0, 0) without one.
    """

    tail: int
    head: int
    value: str
    leave: float = 0.0
    enter: float = 0.0
    label: tuple[float, float] = (0.0, 0.0)
    back: bool = False


class Margins(NamedTuple):
    """What is left free around the items of a frame."""

    before_u: float = 0.0
    after_u: float = 0.0
    before_v: float = 0.0
    after_v: float = 0.0


class Gaps(NamedTuple):
    """Distances of boxes beside one another and of rows."""

    u: float
    v: float


@dataclass(frozen=True)
class Sheet:
    """What stands in one frame. Equal sheets look the same, so one is laid out for all of them.

    ``sizes`` are those of boxes and inner frames; the title needs ``least_u`` or ``least_v``.
    The first ``lone`` entries bring what hangs on sources alone, and nobody else reads. ``abreast``
    is for items in one row, in their order, whose wires between one another lead back.
    """

    sizes: tuple[tuple[float, float], ...]
    entries: int
    exits: int
    wires: tuple[Wire, ...]
    gaps: Gaps
    margins: Margins = field(default_factory=Margins)
    least_u: float = 0.0
    least_v: float = 0.0
    lone: int = 0
    abreast: bool = False

    @property
    def count(self) -> int:
        """The number of items."""
        return len(self.sizes) + self.entries + self.exits

    def entry(self, item: int) -> bool:
        """Whether an item is the entry of a value."""
        return len(self.sizes) <= item < len(self.sizes) + self.entries

    def exit(self, item: int) -> bool:
        """Whether an item is the exit of a value."""
        return len(self.sizes) + self.entries <= item < self.count


@dataclass(frozen=True)
class Arranged:
    """A sheet laid out: middles of items, and for each wire its way, label and whether it is back.

    Entries lie on the upper border, v = 0, exits on the lower one.
    """

    size: tuple[float, float]
    places: tuple[Point, ...]
    ways: tuple[tuple[Point, ...], ...]
    labels: tuple[Point | None, ...]
    backs: tuple[bool, ...]
