"""Where in its row each node stands: straight lines, nothing overlapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from graphflow.view.layout.web import Web

ROUNDS = 8
LAST_ROUNDS = 5
STILL = 0.25
"""A round that moves nothing farther was the last of its kind."""
THREAD_WEIGHT = 8.0
STIFF = 1e5
SNAP = 12.0
PINNED = 1e9
LOOSE = 0.01


class Run(NamedTuple):
    """Threads of one value in successive rows, to the right (1) or left (-1) of the main path, or
    where it does not pass (0).
    """

    nodes: Sequence[int]
    side: int


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
    runs = [run for run in _runs(web, pinned) if len(run.nodes) > 1]
    for _ in range(LAST_ROUNDS):
        before = list(u)
        for run in runs:
            fixed |= dict.fromkeys(run.nodes, (_line(run, u), STIFF))
        _round(web, web.rows, pulls, fixed, (True, True), u)
        if _moved(before, u) < STILL:
            break
    _snap(web, {node for run in runs for node in run.nodes} | pinned.keys(), u)
    return u


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
            for place, node in enumerate(row):
                if node in fixed or len(here[node]) != 1 or (most > SNAP and there[node]):
                    continue
                line = here[node][0]
                wish = u[line.node] + line.shift
                if 0.05 < abs(wish - u[node]) <= most and _free(web, row, place, wish, u):
                    u[node] = wish


def _free(web: Web, row: Sequence[int], place: int, wish: float, u: Sequence[float]) -> bool:
    """Whether a node of a row can stand where it wishes with all others staying."""
    half = web.half
    left = place == 0 or u[row[place - 1]] + half[row[place - 1]] + half[row[place]] <= wish
    return left and (
        place == len(row) - 1 or wish + half[row[place]] + half[row[place + 1]] <= u[row[place + 1]]
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
    places = {node: place for row in web.rows for place, node in enumerate(row)}
    mains = {web.row[node]: places[node] for node in pinned}
    for trunk in web.trunks:
        nodes: list[int] = []
        side = 0
        for node in trunk:
            main = mains.get(web.row[node])
            here = 0 if main is None else (places[node] > main) - (places[node] < main)
            if web.depth[node] or node in pinned or here * side < 0:
                yield Run(nodes, side)
                nodes, side = [], 0
            if not web.depth[node] and node not in pinned:
                nodes.append(node)
                side = side or here
        yield Run(nodes, side)


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
    offsets = []
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
