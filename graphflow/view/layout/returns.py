"""Lanes beside the rows for the wires that lead back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphflow.view.layout.sheet import Sheet
from graphflow.view.layout.web import LABEL_AIR, Web

AIR = 12.0
DROP = 6.0
"""How far below a row a wire turns aside."""


@dataclass(frozen=True)
class Band:
    """Where something begins and ends along v, and along u."""

    top: float
    bottom: float
    left: float
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


def lanes(
    sheet: Sheet, web: Web, backs: Sequence[bool], u: Sequence[float], bands: Sequence[Band]
) -> dict[int, Lane]:
    """The lane of each wire that leads back, on the side that it is nearer to: short ones next to
    the rows, the others around them. ``bands`` are the rows, ``u`` where nodes stand.
    """
    lengths = {
        number: abs(web.row[wire.tail] - web.row[wire.head])
        for number, wire in enumerate(sheet.wires)
        if backs[number]
    }
    taken, found = list(bands), dict[int, Lane]()
    for number in sorted(lengths, key=lambda n: (lengths[n], n)):
        wire = sheet.wires[number]
        ends = u[wire.tail] + wire.leave, u[wire.head] + wire.enter
        under = bands[web.row[wire.tail]].bottom + DROP
        over = bands[web.row[wire.head]].top - DROP
        found[number] = _lane(wire.label, ends, under, over, taken)
        taken.append(found[number].room)
    return found


def _lane(
    label: tuple[float, float],
    ends: tuple[float, float],
    under: float,
    over: float,
    taken: Iterable[Band],
) -> Lane:
    """A lane outside of what is ``taken`` between its ends."""
    reach, wide = label[1] / 2, label[0] / 2 + LABEL_AIR if label[0] else 0.0
    middle = (under + over) / 2
    top, bottom = min(under, over, middle - reach), max(under, over, middle + reach)
    passed = [band for band in taken if band.bottom > top - 1 and band.top < bottom + 1]
    left = min((band.left for band in passed), default=0.0) - AIR - wide
    right = max((band.right for band in passed), default=0.0) + AIR + wide
    u = left if sum(ends) - 2 * left < 2 * right - sum(ends) else right
    return Lane(u, under, over, Band(top, bottom, u - wide, u + wide))
