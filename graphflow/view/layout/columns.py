"""Where in its row each node stands: straight lines, nothing overlapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphflow.view.layout.web import Web

ROUNDS = 10
THREAD_WEIGHT = 8.0
PINNED = 1e4
LOOSE = 0.01


def columns(web: Web, pinned: Mapping[int, float]) -> list[float]:
    """The u of every node.

    Row by row, each node wishes to stand at the median of its neighbours, and a row is settled by
    the places next to the wishes, in least squares, that keep its order and its distances.
    ``pinned`` nodes, the main path, wish to stay where they are.
    """
    u = [0.0] * len(web.row)
    for row in web.rows:
        _settle(web, row, [(pinned.get(node, 0.0), PINNED if node in pinned else 1.0)
                           for node in row], u)  # fmt: skip
    for number in range(ROUNDS):
        before = list(u)
        downwards = number % 2 == 0
        for row in web.rows if downwards else reversed(web.rows):
            wishes = [_wish(web, node, pinned, u, _looked_at(number)) for node in row]
            _settle(web, row, wishes, u)
        if max((abs(new - old) for new, old in zip(u, before, strict=True)), default=0) < 0.25:
            break
    return u


def _looked_at(number: int) -> tuple[bool, bool]:
    """Whether a round looks at neighbours above, and below: in turn, and in the end at both."""
    if number >= ROUNDS - 3:
        return True, True
    return number % 2 == 0, number % 2 == 1


def _wish(
    web: Web, node: int, pinned: Mapping[int, float], u: Sequence[float], sides: tuple[bool, bool]
) -> tuple[float, float]:
    """Where a node would like to stand, and how much."""
    if node in pinned:
        return pinned[node], PINNED
    up, down = web.up[node], web.down[node]
    ends = [*(up if sides[0] or not down else ()), *(down if sides[1] or not up else ())]
    if not ends:
        return u[node], LOOSE
    found = sorted(u[other] + shift for other, shift in ends)
    middle = len(found) // 2
    wish = found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
    return wish, (1.0 + len(ends)) * (THREAD_WEIGHT if node >= web.items else 1.0)


def _settle(
    web: Web, row: Sequence[int], wishes: Sequence[tuple[float, float]], u: list[float]
) -> None:
    """Weighted isotonic regression: pool adjacent violators.

    Less its distance from the row's first node, every node's place must not fall along the row.
    """
    if len(row) == 1:
        u[row[0]] = wishes[0][0]
        return
    offsets = list(_offsets(web, row))
    blocks: list[tuple[float, float, int]] = []
    for (wish, weight), offset in zip(wishes, offsets, strict=True):
        total, mass, count = (wish - offset) * weight, weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / mass:
            more, heavier, others = blocks.pop()
            total, mass, count = total + more, mass + heavier, count + others
        blocks.append((total, mass, count))
    levels = (total / mass for total, mass, count in blocks for _ in range(count))
    for node, level, offset in zip(row, levels, offsets, strict=True):
        u[node] = level + offset


def _offsets(web: Web, row: Sequence[int]) -> Iterator[float]:
    """The least distance of each node of a row from its first one."""
    offset = 0.0
    for node, after in zip(row, [*row[1:], row[0]], strict=True):
        yield offset
        offset += web.half[node] + web.half[after]
