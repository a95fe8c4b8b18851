"""Lanes beside the rows for the wires that lead back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from graphflow.view.layout.sheet import Sheet, Wire
from graphflow.view.layout.web import LABEL_AIR, Web

AIR, APART = 12.0, 5.0
DROP = 6.0
"""How far below a row a wire turns aside."""


@dataclass(frozen=True)
class Band:
    """Where something begins and ends along v, and along u."""

    top: float
    bottom: float
    left: float
    right: float


class Stand(NamedTuple):
    """Rows put in their places: u of nodes, v of the middles of items, and the rows' extent."""

    web: Web
    u: Sequence[float]
    v: Sequence[float]
    bands: Sequence[Band]


@dataclass(frozen=True)
class Lane:
    """A wire that leads back: it turns aside at ``under``, runs at ``u``, comes in at ``over``.

    ``middle`` is the v of its label, ``room`` what it takes with it.
    """

    u: float
    under: float
    over: float
    middle: float
    room: Band


def lanes(sheet: Sheet, backs: Sequence[bool], stand: Stand) -> dict[int, Lane]:
    """The lane of each wire that leads back, on the side that it is nearer to: short ones next to
    the rows, the others around them.
    """
    if sheet.abreast:
        return dict(_between(sheet, backs, stand))
    row = stand.web.row
    lengths = {
        number: abs(row[wire.tail] - row[wire.head])
        for number, wire in enumerate(sheet.wires)
        if backs[number]
    }
    taken, found, turns = list(stand.bands), dict[int, Lane](), Counter[tuple[int, bool]]()
    for number in sorted(lengths, key=lambda n: (lengths[n], n)):
        wire = sheet.wires[number]
        ends = stand.u[wire.tail] + wire.leave, stand.u[wire.head] + wire.enter
        low, high = row[wire.tail], row[wire.head]
        under = stand.bands[low].bottom + _drop(stand, low + 1, turns[low, True])
        over = stand.bands[high].top - _drop(stand, high, turns[high, False])
        lane = _lane(wire.label, ends, under, over, taken)
        taken.append(lane.room)
        found[number] = _tight(lane, wire, stand)
        turns[low, True] += found[number].under == under
        turns[high, False] += found[number].over == over
    return found


def _between(sheet: Sheet, backs: Sequence[bool], stand: Stand) -> Iterator[tuple[int, Lane]]:
    """Lanes in the gaps of a row. Of the wires between two items none crosses another: the one that
    leaves nearest to the gap turns first and comes in last.
    """
    pairs: dict[tuple[int, int], list[int]] = {}
    for number, wire in enumerate(sheet.wires):
        if backs[number]:
            pairs.setdefault((wire.tail, wire.head), []).append(number)
    for (tail, head), numbers in pairs.items():
        side = 1.0 if stand.u[head] > stand.u[tail] else -1.0
        ends = (stand.u[tail] + side * sheet.sizes[tail][0] / 2,
                stand.u[head] - side * sheet.sizes[head][0] / 2)  # fmt: skip
        low = stand.v[tail] + sheet.sizes[tail][1] / 2 + DROP
        high = stand.v[head] - sheet.sizes[head][1] / 2 - DROP
        last = len(numbers) - 1
        numbers.sort(key=lambda number: -side * sheet.wires[number].leave)
        for turn, number in enumerate(numbers):
            u = sum(ends) / 2 + side * APART * (turn - last / 2)
            under, over = low + APART * turn, high - APART * (last - turn)
            room = Band(min(over, under), max(over, under), u, u)
            yield number, Lane(u, under, over, (under + over) / 2, room)


def _drop(stand: Stand, row: int, others: int) -> float:
    """How far from its row a wire turns aside in the gap above ``row``, where others do."""
    room = math.inf
    if 0 < row < len(stand.bands):
        room = stand.bands[row].top - stand.bands[row - 1].bottom
    return max(DROP, min(DROP + APART * others, room - APART))


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
    return Lane(u, under, over, middle, Band(top, bottom, u - wide, u + wide))


def _tight(lane: Lane, wire: Wire, stand: Stand) -> Lane:
    """A lane that ends right at a box where nothing stands between the two."""
    web, tail, head = stand.web, wire.tail, wire.head

    def free(item: int) -> bool:
        row = web.rows[web.row[item]]
        return row[0 if lane.u < stand.u[item] else -1] == item

    if free(head):
        lane = replace(lane, over=stand.v[head] - web.depth[head] / 2 - DROP)
    if free(tail):
        lane = replace(lane, under=stand.v[tail] + web.depth[tail] / 2 + DROP)
    if abs(lane.under - lane.over) > wire.label[1] + 2 * AIR:
        lane = replace(lane, middle=(lane.under + lane.over) / 2)
    return lane
