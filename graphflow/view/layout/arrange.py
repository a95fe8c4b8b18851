"""One frame laid out, from rows to the ways of its wires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, pairwise

from graphflow.view.drawing import Point
from graphflow.view.layout.columns import columns
from graphflow.view.layout.order import put_abreast, sort_rows
from graphflow.view.layout.ranks import rank
from graphflow.view.layout.returns import Band, Lane, Stand, lanes
from graphflow.view.layout.sheet import Arranged, Sheet
from graphflow.view.layout.web import THREAD, Web, weave

SLOPE = 0.12
"""How much farther apart two rows are for each pixel that a line between them goes aside."""
STRETCH = 1.6
"""The most that this may be, in gaps between rows."""
BESIDE_LABELS = 8.0
PORT_GAP = 6.0
PORT_WORTH = 1e6
"""What an entry or exit counts for the main path: more than all boxes."""


@lru_cache(maxsize=4096)
def arranged(sheet: Sheet) -> Arranged:
    """A sheet laid out. Equal sheets are laid out once, within a picture and from one to the next.

    >>> from graphflow.view.layout.sheet import Gaps, Wire
    >>> done = arranged(Sheet(((20, 10), (20, 10)), 0, 0, (Wire(0, 1, "a"),), Gaps(8, 16)))
    >>> done.size, done.places
    ((20.0, 36.0), ((10.0, 5.0), (10.0, 31.0)))
    """
    ranks, backs = rank(sheet)
    web = weave(sheet, ranks, backs)
    path = main_path(sheet, web)
    if sheet.abreast:
        put_abreast(web, len(sheet.sizes))
    else:
        sort_rows(web, _first_order(sheet, web, path))
    u = columns(web, {} if sheet.abreast else _straight(web, path))
    bands = _bands(sheet, web, u)
    stand = Stand(web, u, _middles(sheet, web, bands), bands)
    return _Finish(sheet, stand, lanes(sheet, backs, stand)).arranged()


def main_path(sheet: Sheet, web: Web) -> list[int]:
    """The path with most in it, boxes counted by their depth; from an entry to an exit, if it can.

    Of equal ones that which runs last, as what is computed is more than a mask. It does not begin
    with a source that has others beside it: their reader then stands below the middle of them.
    """
    count = len(web.row)
    score, tail, before = [0.0] * count, list(range(count)), [-1] * count
    for node in chain.from_iterable(web.rows):
        if web.up[node]:
            before[node] = max(
                (line.node for line in web.up[node]), key=lambda up: (score[up], tail[up])
            )
            score[node] = score[before[node]]
        if node >= web.items:
            tail[node] = tail[before[node]]
        elif node >= len(sheet.sizes):
            score[node] += PORT_WORTH
        else:
            score[node] += 1 + web.depth[node]
    node = max(range(count), key=lambda end: score[end], default=-1)
    path: list[int] = []
    while node >= 0:
        path.append(node)
        node = before[node]
    path.reverse()
    if len(path) > 1 and web.depth[path[0]]:
        sources = [line for line in web.up[path[1]] if not web.up[line.node]]
        return path[1:] if len(sources) > 1 else path
    return path


def _straight(web: Web, path: Sequence[int]) -> dict[int, float]:
    """The u of the nodes of a path that is one straight line."""
    places = {path[0]: 0.0} if path else {}
    for upper, lower in pairwise(path):
        places[lower] = places[upper] + next(
            line.shift for line in web.up[lower] if line.node == upper
        )
    return places


def _first_order(sheet: Sheet, web: Web, path: Sequence[int]) -> list[tuple[int, int]]:
    """What hangs on sources alone and is read once to the left, then items as given, then threads;
    a label like what it tells of.
    """
    left, middle, right = range(3)
    main, boxes = set(path), len(sheet.sizes)
    side = [right] * len(web.row)
    found = [(right, node) for node in range(len(web.row))]
    for node in chain.from_iterable(web.rows):
        lone = len(web.down[node]) == 1 and all(side[line.node] == left for line in web.up[node])
        if node in main:
            side[node] = middle
        elif sheet.entry(node):
            side[node] = left if node - boxes < sheet.lone else right
        elif lone:
            side[node] = left
        elif node < web.items and web.up[node]:
            side[node] = middle
        labelled = node >= web.items and web.depth[node] and node not in main
        found[node] = found[web.up[node][0].node] if labelled else (side[node], node)
    return found


def _half(sheet: Sheet, web: Web, node: int) -> float:
    """Half of a node's own width."""
    if node < len(sheet.sizes):
        return sheet.sizes[node][0] / 2
    return web.half[node] if web.half[node] > THREAD else 0.0


def _bands(sheet: Sheet, web: Web, u: Sequence[float]) -> list[Band]:
    """Rows one below the other, the farther apart the more the lines between them go aside."""
    v = 0.0
    bands: list[Band] = []
    for number, row in enumerate(web.rows):
        depth = max(web.depth[node] for node in row)
        left = min(u[node] - _half(sheet, web, node) for node in row)
        right = max(u[node] + _half(sheet, web, node) for node in row)
        bands.append(Band(v, v + depth, left, right))
        v += depth
        if number + 1 < len(web.rows):
            v += _gap(sheet, web, u, number)
    return bands


def _gap(sheet: Sheet, web: Web, u: Sequence[float], number: int) -> float:
    """The distance of a row from the next one."""
    row, below = web.rows[number], web.rows[number + 1]
    aside = max(
        (abs(u[line.node] + line.shift - u[node]) for node in row for line in web.down[node]),
        default=0.0,
    )
    if sheet.entry(row[0]) or sheet.exit(below[0]):
        least = PORT_GAP if aside > 1.0 else 0.0
    elif any(node >= web.items and web.depth[node] for node in (*row, *below)):
        least = BESIDE_LABELS
    else:
        least = sheet.gaps.v
    return least + min(SLOPE * aside, STRETCH * sheet.gaps.v)


def _middles(sheet: Sheet, web: Web, bands: Sequence[Band]) -> list[float]:
    """The v of items: sources stand low in their row, what nobody reads high."""
    found = []
    for item in range(sheet.count):
        band, half = bands[web.row[item]], web.depth[item] / 2
        if web.down[item] and not web.up[item]:
            found.append(band.bottom - half)
        elif web.up[item] and not web.down[item]:
            found.append(band.top + half)
        else:
            found.append((band.top + band.bottom) / 2)
    return found


class _Finish:
    """Coordinates within the frame, from its upper left corner."""

    def __init__(self, sheet: Sheet, stand: Stand, returning: dict[int, Lane]) -> None:
        self.sheet, self.web, self.returning = sheet, stand.web, returning
        rooms = [*stand.bands, *(lane.room for lane in returning.values())]
        right = max((room.right for room in rooms), default=0.0)
        left = min((room.left for room in rooms), default=0.0)
        top = min((room.top for room in rooms), default=0.0)
        bottom = max((room.bottom for room in rooms), default=0.0)
        margins = sheet.margins
        self.size = (
            max(right - left, sheet.least_u) + margins.before_u + margins.after_u,
            max(bottom - top, sheet.least_v) + margins.before_v + margins.after_v,
        )
        self.origin = (
            margins.before_u - left + max(0.0, sheet.least_u - (right - left)) / 2,
            margins.before_v - top + max(0.0, sheet.least_v - (bottom - top)) / 2,
        )
        self.u = [u + self.origin[0] for u in stand.u]
        self.bands = [
            replace(band, top=band.top + self.origin[1], bottom=band.bottom + self.origin[1])
            for band in stand.bands
        ]
        self.places = tuple(self._place(item, v) for item, v in enumerate(stand.v))

    def arranged(self) -> Arranged:
        """Everything at its place."""
        ways, labels = [], []
        for number, track in enumerate(self.web.tracks):
            lane = self.returning.get(number)
            ways.append(tuple(self._return(number, lane) if lane else self._way(number, track)))
            labels.append(self._label(number, lane))
        backs = tuple(number in self.returning for number in range(len(ways)))
        return Arranged(self.size, self.places, tuple(ways), tuple(labels), backs)

    def _place(self, item: int, v: float) -> Point:
        """The middle of an item; entries and exits are on the borders."""
        if self.sheet.entry(item):
            return self.u[item], 0.0
        return self.u[item], self.size[1] if self.sheet.exit(item) else v + self.origin[1]

    def _way(self, number: int, track: Sequence[int]) -> Iterator[Point]:
        """The points of a wire: straight through rows, aside only between them."""
        wire = self.sheet.wires[number]
        yield from self._end(wire.tail, wire.leave, below=True)
        for node in track[1:-1]:
            band = self.bands[self.web.row[node]]
            yield self.u[node], band.top
            yield self.u[node], band.bottom
        yield from reversed(self._end(wire.head, wire.enter, below=False))

    def _end(self, item: int, shift: float, below: bool) -> list[Point]:
        """Where a wire meets an item, and the edge of the row there."""
        u, v = self.places[item][0] + shift, self.places[item][1]
        half = self.web.depth[item] / 2
        band = self.bands[self.web.row[item]]
        return [(u, v + half), (u, band.bottom)] if below else [(u, v - half), (u, band.top)]

    def _return(self, number: int, lane: Lane) -> Iterator[Point]:
        """The points of a wire that leads back: out below, along its lane, in from above."""
        wire = self.sheet.wires[number]
        low = self._end(wire.tail, wire.leave, below=True)[0]
        high = self._end(wire.head, wire.enter, below=False)[0]
        u = lane.u + self.origin[0]
        under, over = lane.under + self.origin[1], lane.over + self.origin[1]
        yield from (low, (low[0], under), (u, under), (u, over), (high[0], over), high)

    def _label(self, number: int, lane: Lane | None) -> Point | None:
        """The middle of the label of a wire."""
        if lane:
            place = lane.u + self.origin[0], lane.middle + self.origin[1]
            return place if self.sheet.wires[number].label[0] else None
        node = self.web.labels[number]
        if node < 0:
            return None
        band = self.bands[self.web.row[node]]
        return self.u[node], (band.top + band.bottom) / 2
