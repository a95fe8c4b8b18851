"""The order within rows: few crossings."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from graphflow.view.layout.web import Web

SWEEPS = 12


def crossings(web: Web, rows: Sequence[Sequence[int]]) -> int:
    """How many pairs of lines between neighbouring rows cross."""
    found = 0
    place = {node: index for row in rows for index, node in enumerate(row)}
    for row in rows:
        passed: list[int] = []
        for node in row:
            ends = sorted(place[lower] for lower, _ in web.down[node])
            found += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return found


def sort_rows(web: Web, keys: Sequence[tuple[int, ...]]) -> None:
    """Put the rows of ``web`` in order, beginning with the one that ``keys`` give.

    Sweeps down and up in turn order each row by the mean place of its neighbours in the row
    before; the best order seen is kept.
    """
    rows = [sorted(row, key=lambda node: keys[node]) for row in web.rows]
    best, fewest = rows, crossings(web, rows)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        rows = _swept(web, rows, downwards=sweep % 2 == 0)
        count = crossings(web, rows)
        if count < fewest:
            best, fewest = rows, count
    web.rows = [list(row) for row in best]


def _swept(web: Web, rows: Sequence[Sequence[int]], downwards: bool) -> list[list[int]]:
    """All rows ordered by their neighbours in the row before, in the direction of the sweep."""
    place = {node: float(index) for row in rows for index, node in enumerate(row)}
    neighbours = web.up if downwards else web.down
    done = [list(row) for row in rows]
    for number in range(len(rows)) if downwards else reversed(range(len(rows))):
        row = done[number]
        if len(row) > 1:
            row.sort(key=lambda node: _mean_place(web, neighbours[node], place, place[node]))
            for index, node in enumerate(row):
                place[node] = float(index)
    return done


def _mean_place(
    web: Web, neighbours: Sequence[tuple[int, float]], place: dict[int, float], own: float
) -> float:
    """The mean place of neighbours; where on a wide neighbour a line ends counts as well."""
    if not neighbours:
        return own
    ends = (place[node] + shift / (2 * web.half[node] + 1) for node, shift in neighbours)
    return sum(ends) / len(neighbours)
