"""Where in its row each node stands: straight lines, nothing overlapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from graphflow.view.layout.web import Web

ROUNDS = 8
LAST_ROUNDS = 5
STILL = 0.25
"""A round that moves nothing farther was the last of its kind."""
SNAP = 12.0
"""Jogs of so many pixels are taken out in the end."""
PINNED, STIFF, YIELD, THREAD_WEIGHT, LOOSE = 1e11, 1e9, 1e2, 8.0, 0.01
"""Weights of wishes: the main path's; a run's, which each run between the two divides; that of a
thread, a box having 1; and that of what has no neighbours.
"""


class Run(NamedTuple):
    """Threads of one value in successive rows, to the right (1) or left (-1) of the main path, or
    where it does not pass (0). The farther out, the more it gives way.
    """

    nodes: Sequence[int]
    side: int
    weight: float


class Pulls(NamedTuple):
    """The neighbours of a node above, below and on both sides, each with what to add to its u."""

    up: Sequence[tuple[int, float]]
    down: Sequence[tuple[int, float]]
    both: Sequence[tuple[int, float]]
    weight: float


def columns(web: Web, pinned: Mapping[int, float]) -> list[float]:
    """The u of every node.

    Row by row, each node wishes to stand at the median of its neighbours, and a row is settled by
    the places next to the wishes, in least squares, that keep its order and its distances.
    ``pinned`` nodes, the main path, stay where they are. In the end each run of threads wishes to
    be one straight line, on the outer side of what stands beside it.
    """
    u = [0.0] * len(web.row)
    for row in web.rows:
        wishes = [(pinned.get(node, 0.0), PINNED if node in pinned else 1.0) for node in row]
        _settle(web, row, wishes, u)
    fixed = {node: (place, PINNED) for node, place in pinned.items()}
    pulls = [_pulls(web, node) for node in range(len(web.row))]
    for number in range(ROUNDS):
        before = list(u)
        up = number % 2 == 0
        sides = (True, True) if number >= ROUNDS - 2 else (up, not up)
        _round(web, web.rows if up else web.rows[::-1], pulls, fixed, sides, u)
        if _moved(before, u) < STILL:
            break
    runs = list(_runs(web, pinned))
    for _ in range(LAST_ROUNDS):
        before = list(u)
        for run in runs:
            fixed |= dict.fromkeys(run.nodes, (_line(run, u), run.weight))
        _round(web, web.rows, pulls, fixed, (True, True), u)
        if _moved(before, u) < STILL:
            break
    for run in runs:
        _align(web, run, u)
    _snap(web, {node for run in runs for node in run.nodes} | pinned.keys(), u)
    return u


def _align(web: Web, run: Run, u: list[float]) -> None:
    """Make a run one line where there is room for it, should the rounds have left a jog."""
    ends = sorted(u[node] for node in run.nodes)
    for wish in (_line(run, u), ends[-1], ends[0]):
        if ends[-1] - ends[0] > 0.05 and all(_free(web, node, wish, u) for node in run.nodes):
            for node in run.nodes:
                u[node] = wish
            return


def _snap(web: Web, fixed: Set[int], u: list[float]) -> None:
    """Straighten what is straight but for a few pixels, and put sources above their only reader.

    Nodes with one neighbour above move below it, from top to bottom; then nodes with none above
    and one below move above that.
    """
    for rows, here, there, most in (
        (web.rows, web.up, web.down, SNAP),
        (web.rows[::-1], web.down, web.up, 1e9),
    ):
        for row in rows:
            for node in row:
                if node in fixed or len(here[node]) != 1 or (most > SNAP and there[node]):
                    continue
                line = here[node][0]
                wish = u[line.node] + line.shift
                if 0.05 < abs(wish - u[node]) <= most and _free(web, node, wish, u):
                    u[node] = wish


def _free(web: Web, node: int, wish: float, u: Sequence[float]) -> bool:
    """Whether a node can stand where it wishes with all others staying."""
    row, half = web.rows[web.row[node]], web.half
    place = row.index(node)
    left, right = row[max(place - 1, 0)], row[min(place + 1, len(row) - 1)]
    return (left == node or u[left] + half[left] + half[node] <= wish) and (
        right == node or wish + half[node] + half[right] <= u[right]
    )


def _moved(before: Sequence[float], after: Sequence[float]) -> float:
    """The farthest that a node has moved."""
    return max((abs(new - old) for new, old in zip(after, before, strict=True)), default=0.0)


def _pulls(web: Web, node: int) -> Pulls:
    """What pulls at a node. A label stands below what it tells of, and so does the only thread
    between two items.
    """
    up = [(line.node, line.shift) for line in web.up[node]]
    down = [(line.node, line.shift) for line in web.down[node]]
    weight = THREAD_WEIGHT if node >= web.items else 1.0
    below_item = node >= web.items and up[0][0] < web.items
    if below_item and (web.depth[node] or all(lower < web.items for lower, _ in down)):
        down = []
    return Pulls(up, down, [*up, *down], weight)


def _round(
    web: Web,
    rows: Sequence[Sequence[int]],
    pulls: Sequence[Pulls],
    fixed: Mapping[int, tuple[float, float]],
    sides: tuple[bool, bool],
    u: list[float],
) -> None:
    """Settle all rows in turn; nodes look at neighbours on the given sides, above and below."""
    for row in rows:
        wishes = [fixed.get(node) or _wish(pulls[node], u[node], u, sides) for node in row]
        _settle(web, row, wishes, u)


def _wish(
    pulls: Pulls, now: float, u: Sequence[float], sides: tuple[bool, bool]
) -> tuple[float, float]:
    """Where a node would like to stand, and how much."""
    up, down = sides
    ends = pulls.both if up and down else (pulls.up if up else pulls.down) or pulls.both
    if not ends:
        return now, LOOSE
    found = sorted([u[node] + shift for node, shift in ends])
    middle = len(found) // 2
    wish = found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
    return wish, (1.0 + len(ends)) * pulls.weight


def _runs(web: Web, pinned: Mapping[int, float]) -> Iterator[Run]:
    """What can be straight: labels stand for themselves, and the main path parts left and right."""
    outwards = _outwards(web, pinned)
    for trunk in web.trunks:
        nodes: list[int] = []
        for node in [*trunk, -1]:
            broken = node < 0 or web.depth[node] or node in pinned
            if broken or any(outwards[node] * outwards[other] < 0 for other in nodes):
                if len(nodes) > 1:
                    far = max((outwards[other] for other in nodes), key=abs)
                    yield Run(nodes, (far > 0) - (far < 0), STIFF / YIELD ** min(abs(far), 3))
                nodes = []
            if not broken:
                nodes.append(node)


def _outwards(web: Web, pinned: Mapping[int, float]) -> list[int]:
    """How many threads from the main path each thread of its rows is: above 0 to the right, below
    to the left, 0 where the main path does not pass.
    """
    found = [0] * len(web.row)
    for row in web.rows:
        main = next((place for place, node in enumerate(row) if node in pinned), None)
        if main is not None:
            for side, nodes in (1, row[main + 1 :]), (-1, row[:main][::-1]):
                threads = [node for node in nodes if node >= web.items]
                for count, node in enumerate(threads, 1):
                    found[node] = side * count
    return found


def _line(run: Run, u: Sequence[float]) -> float:
    """Where a run would like to be straight."""
    found = sorted(u[node] for node in run.nodes)
    return found[-1] if run.side > 0 else found[0] if run.side < 0 else found[len(found) // 2]


def _settle(
    web: Web, row: Sequence[int], wishes: Sequence[tuple[float, float]], u: list[float]
) -> None:
    """Weighted isotonic regression: pool adjacent violators.

    Less its distance from the row's first node, every node's place must not fall along the row.
    """
    if len(row) == 1:
        u[row[0]] = wishes[0][0]
        return
    half = web.half
    offset, previous = 0.0, half[row[0]]
    offsets: list[float] = []
    blocks: list[tuple[float, float, int]] = []
    for node, (wish, weight) in zip(row, wishes, strict=True):
        if offsets:
            offset += previous + half[node]
        previous = half[node]
        offsets.append(offset)
        total, mass, count = (wish - offset) * weight, weight, 1
        while blocks and blocks[-1][0] * mass > total * blocks[-1][1]:
            more, heavier, others = blocks.pop()
            total, mass, count = total + more, mass + heavier, count + others
        blocks.append((total, mass, count))
    levels = [total / mass for total, mass, count in blocks for _ in range(count)]
    for node, level, offset in zip(row, levels, offsets, strict=True):
        u[node] = level + offset
