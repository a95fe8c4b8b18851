"""The order within rows: few crossings."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence

from graphflow.view.layout.web import Line, Web

SWEEPS, PATIENCE = 8, 4
"""The most rounds, and how many in a row may bring nothing."""


def crossings(web: Web, rows: Sequence[Sequence[int]]) -> int:
    """How many pairs of lines between neighbouring rows cross."""
    places = {node: index for row in rows for index, node in enumerate(row)}
    found = 0
    for row in rows:
        lines = sorted(
            (index + line.here, _end(line, places))
            for index, node in enumerate(row)
            for line in web.down[node]
        )
        passed: list[float] = []
        for _, end in lines:
            found += len(passed) - bisect_right(passed, end)
            insort(passed, end)
    return found


def sort_rows(web: Web, keys: Sequence[tuple[int, ...]]) -> None:
    """Put the rows of ``web`` in order, beginning with the one that ``keys`` give.

    Sweeps down and up in turn order each row by the mean place of its neighbours in the row
    before. Where crossings remain, once more from the beginning, swapping nodes that stand side by
    side where that saves some. The best order seen is kept.
    """
    first = [sorted(row, key=lambda node: keys[node]) for row in web.rows]
    best, fewest = first, crossings(web, first)
    for swapping in (False, True):
        rows, idle = [list(row) for row in first], 0
        for sweep in range(SWEEPS):
            if not fewest or idle == PATIENCE:
                break
            _sweep(web, rows, upwards=sweep % 2 == 1, swapping=swapping)
            count = crossings(web, rows)
            idle += 1
            if count < fewest:
                best, fewest, idle = [list(row) for row in rows], count, 0
    web.rows = best


def put_abreast(web: Web, boxes: int) -> None:
    """Leave boxes in their order, and put all else in that of the boxes that it is joined to."""

    def place(node: int) -> float:
        ends = [line.node for line in (*web.up[node], *web.down[node])]
        return float(node) if node < boxes or not ends else sum(ends) / len(ends)

    web.rows = [sorted(row, key=place) for row in web.rows]


def _sweep(web: Web, rows: list[list[int]], upwards: bool, swapping: bool) -> None:
    """Order all rows in turn."""
    places = {node: index for row in rows for index, node in enumerate(row)}
    for row in reversed(rows) if upwards else rows:
        if len(row) > 1:
            _sort(row, web.down if upwards else web.up, places)
            if swapping:
                _swap(row, web, places)


def _end(line: Line, places: Mapping[int, int]) -> float:
    """Where the other end of a line is in its row; ends on one node are told apart."""
    return places[line.node] + line.there


def _sort(row: list[int], lines: Sequence[Sequence[Line]], places: dict[int, int]) -> None:
    """Order a row by the mean place of neighbours; what has none stays where it is."""

    def mean(node: int) -> float:
        ends = [_end(line, places) for line in lines[node]]
        return sum(ends) / len(ends) if ends else places[node]

    row.sort(key=mean)
    places.update((node, index) for index, node in enumerate(row))


def _swap(row: list[int], web: Web, places: dict[int, int]) -> None:
    """Swap neighbours in a row whose lines cross less then."""
    for index in range(len(row) - 1):
        one, other = row[index : index + 2]
        saved = 0
        for lines in (web.up, web.down):
            left = [_end(line, places) for line in lines[one]]
            right = [_end(line, places) for line in lines[other]]
            saved += sum((a > b) - (a < b) for a in left for b in right)
        if saved > 0:
            row[index : index + 2] = other, one
            places[one], places[other] = index + 1, index
