"""Lanes beside the rows for the wires that lead back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphflow.view.layout.sheet import Sheet
from graphflow.view.layout.web import LABEL_AIR, Web

AIR = 12.0
DROP = 6.0
"""How far below a row a wire turns aside."""


@dataclass(frozen=True)
class Band:
    """Where something begins and ends along v, and where it ends along u."""

    top: float
    bottom: float
    right: float


@dataclass(frozen=True)
class Lane:
    """A wire that leads back: it turns aside at ``under``, runs at ``u``, comes in at ``over``.

    ``room`` is what it takes with its label.
    """

    u: float
    under: float
    over: float
    room: Band


def lanes(sheet: Sheet, web: Web, backs: Sequence[bool], bands: Sequence[Band]) -> dict[int, Lane]:
    """The lane of each wire that leads back: short ones near the rows, the others around them.

    ``bands`` are the rows.
    """
    spans = {}
    for number, back in enumerate(backs):
        if back:
            wire = sheet.wires[number]
            under = bands[web.row[wire.tail]].bottom + DROP
            spans[number] = under, bands[web.row[wire.head]].top - DROP
    taken, found = list(bands), {}
    for number in sorted(spans, key=lambda n: (abs(spans[n][0] - spans[n][1]), n)):
        under, over = spans[number]
        label = sheet.wires[number].label
        reach, wide = label[1] / 2, label[0] / 2 + LABEL_AIR if label[0] else 0.0
        middle = (under + over) / 2
        top, bottom = min(under, over, middle - reach), max(under, over, middle + reach)
        ends = [band.right for band in taken if band.bottom > top - 1 and band.top < bottom + 1]
        u = max(ends, default=0.0) + AIR + wide
        found[number] = Lane(u, under, over, Band(top, bottom, u + wide))
        taken.append(found[number].room)
    return found
