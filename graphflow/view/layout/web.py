"""The rows of a frame with everything that takes room in them: items, threads and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from graphflow.view.layout.sheet import Sheet

THREAD = 5.0
"""Half of the room that a thread takes."""
LABEL_AIR = 4.0
BUSY = 6_000
"""So many threads are let be; a long chain whose every node the last one reads would have more."""


class Line(NamedTuple):
    """A line to a node of a neighbouring row.

    It is straight where this node's u is ``shift`` more than the other's. ``here`` and ``there``
    are where its ends are on the two nodes, as parts of their widths from the middle.
    """

    node: int
    shift: float
    here: float
    there: float


class Trunk(NamedTuple):
    """What runs together: the wires of a value from an item; or those to an item, value ""."""

    end: int
    value: str = ""


@dataclass
class Web:
    """Nodes in rows, each joined to nodes of the next row only.

    Nodes are the sheet's items, and after them the threads: one for each row that a value passes
    on its way down, shared by all its readers; one may carry the label. ``half`` is half a node's
    width with the air beside it, ``depth`` its height. ``up`` and ``down`` are lines to neighbours,
    ``tracks`` the nodes of each wire, ``labels`` the node that has its label (-1: none), ``trunks``
    the threads of each value.
    """

    row: list[int]
    half: list[float]
    depth: list[float]
    rows: list[list[int]] = field(default_factory=list)
    up: list[list[Line]] = field(default_factory=list)
    down: list[list[Line]] = field(default_factory=list)
    tracks: list[list[int]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    trunks: list[list[int]] = field(default_factory=list)
    items: int = 0

    def join(self, upper: int, lower: int, leave: float, enter: float) -> None:
        """Join two nodes by a line between places on their borders, from their middles."""
        start, end = leave / (2 * self.half[upper]), enter / (2 * self.half[lower])
        line = Line(lower, enter - leave, start, end)
        if line not in self.down[upper]:
            self.down[upper].append(line)
            self.up[lower].append(Line(upper, leave - enter, end, start))

    def thread(self, row: int, label: tuple[float, float]) -> int:
        """A new thread in a row."""
        self.row.append(row)
        self.half.append(max(THREAD, label[0] / 2 + LABEL_AIR))
        self.depth.append(label[1])
        self.up.append([])
        self.down.append([])
        return len(self.row) - 1


def weave(sheet: Sheet, ranks: Sequence[int], backs: Sequence[bool]) -> Web:
    """Threads for all wires that lead down. Labels get rows of their own, where there are any."""
    rows = _rows_with_labels(sheet, ranks, backs)
    half = [u / 2 + sheet.gaps.u / 2 for u, _ in sheet.sizes]
    depth = [v for _, v in sheet.sizes]
    ports = sheet.count - len(sheet.sizes)
    web = Web([rows[rank] for rank in ranks], half + [THREAD] * ports, depth + [0.0] * ports)
    web.up = [[] for _ in ranks]
    web.down = [[] for _ in ranks]
    web.items = sheet.count
    labels: dict[tuple[int, str], tuple[float, float]] = {}
    for wire, back in zip(sheet.wires, backs, strict=True):
        if not back:
            u, v = labels.get((wire.tail, wire.value), (0.0, 0.0))
            labels[wire.tail, wire.value] = max(u, wire.label[0]), max(v, wire.label[1])
    bundled = _bundled(sheet, web.row, backs)
    threads: dict[tuple[Trunk, int], int] = {}
    trunks: dict[Trunk, list[int]] = {}
    for wire, back in zip(sheet.wires, backs, strict=True):
        first, own = web.row[wire.tail] + 1, Trunk(wire.tail, wire.value)
        track = [wire.tail]
        for row in range(first, web.row[wire.head]) if not back else ():
            label = labels[own.end, own.value] if row == first else (0.0, 0.0)
            trunk = own if label[0] or not bundled else Trunk(wire.head)
            if (trunk, row) not in threads:
                threads[trunk, row] = web.thread(row, label)
                trunks.setdefault(trunk, []).append(threads[trunk, row])
            track.append(threads[trunk, row])
        web.labels.append(track[1] if wire.label[0] and not back else -1)
        web.tracks.append([] if back else [*track, wire.head])
        _join(web, web.tracks[-1], wire.leave, wire.enter)
    web.trunks = [sorted(trunk, key=web.row.__getitem__) for trunk in trunks.values()]
    web.rows = [[] for _ in range(max(web.row, default=-1) + 1)]
    for node, row in enumerate(web.row):
        web.rows[row].append(node)
    return web


def _bundled(sheet: Sheet, rows: Sequence[int], backs: Sequence[bool]) -> bool:
    """Whether wires to one reader run together, not those of one value: where very many rows are
    passed, and fewer so.
    """
    by_value: dict[Trunk, int] = {}
    by_reader: dict[Trunk, int] = {}
    for wire, back in zip(sheet.wires, backs, strict=True):
        if not back:
            passed = rows[wire.head] - rows[wire.tail]
            for counts, trunk in (
                (by_value, Trunk(wire.tail, wire.value)),
                (by_reader, Trunk(wire.head)),
            ):
                counts[trunk] = max(passed, counts.get(trunk, 0))
    return sum(by_value.values()) > max(BUSY, sum(by_reader.values()))


def _join(web: Web, track: Sequence[int], leave: float, enter: float) -> None:
    """Join the nodes of one wire."""
    last = len(track) - 2
    for place, (upper, lower) in enumerate(pairwise(track)):
        web.join(upper, lower, 0.0 if place else leave, enter if place == last else 0.0)


def _rows_with_labels(sheet: Sheet, ranks: Sequence[int], backs: Sequence[bool]) -> list[int]:
    """The row of each rank when rows for labels are put in below the items that need one."""
    labelled = {
        ranks[wire.tail]
        for wire, back in zip(sheet.wires, backs, strict=True)
        if wire.label[0] and not back
    }
    rows, row = [], 0
    for rank in range(max(ranks, default=-1) + 1):
        rows.append(row)
        row += 2 if rank in labelled else 1
    return rows
