"""Cutting a row of costs into parts that take about equally long and pass little on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from math import inf

SLACK = 1.1
"""How much more than the least possible the slowest part may take, to pass on fewer bytes."""
HALVINGS = 60
"""Of the interval in which the least possible is searched for."""


def balanced(costs: Sequence[float], bytes: Sequence[int], parts: int) -> list[int]:
    """Where each of so many parts begins, and the end. None is empty. The most costly one costs at
    most :data:`SLACK` times what is possible; among all such cuts these have the smallest sum of
    ``bytes[p]``, which a cut before place ``p`` costs.

    >>> balanced([1.0, 1.0, 1.0, 1.0], [0, 8, 8, 8, 0], 2)
    [0, 2, 4]
    >>> balanced([10.0, 10.0, 1.0, 20.0], [0, 8, 8, 2, 0], 2)
    [0, 3, 4]
    """
    before = [0.0, *accumulate(costs)]
    limit = SLACK * _least(before, parts)
    count = len(costs)
    best: list[float] = [0.0, *[inf] * count]
    chosen: list[list[int]] = []
    for part in range(parts):
        paid = best if part == 0 else [b + s for b, s in zip(best, bytes, strict=True)]
        best, begun = _extended(paid, before, limit)
        chosen.append(begun)
    bounds = [count]
    for begun in reversed(chosen):
        bounds.append(begun[bounds[-1]])
    return bounds[::-1]


def _extended(
    paid: Sequence[float], before: Sequence[float], limit: float
) -> tuple[list[float], list[int]]:
    """For each end the least that is paid where one more part ends there, and where that begins."""
    best, begun = [inf] * len(paid), [0] * len(paid)
    window: deque[int] = deque()  # beginnings, each paid less than those after it
    for end in range(1, len(paid)):
        while window and paid[window[-1]] >= paid[end - 1]:
            window.pop()
        window.append(end - 1)
        first = bisect_left(before, before[end] - limit)
        while window and window[0] < first:
            window.popleft()
        if window:
            best[end], begun[end] = paid[window[0]], window[0]
    return best, begun


def _least(before: Sequence[float], parts: int) -> float:
    """About the least that the most costly of so many parts can cost, never below it."""
    low, high = 0.0, before[-1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _fits(before, parts, middle) else (middle, high)
    return high


def _fits(before: Sequence[float], parts: int, limit: float) -> bool:
    """Whether so many parts can cost no more than that; fewer can be cut again."""
    place, last = 0, len(before) - 1
    for _ in range(parts):
        place = bisect_right(before, before[place] + limit) - 1
        if place >= last:
            return True
    return False
