from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.schedule.memory import (
    ALIGNMENT,
    PATIENCE,
    Lifetime,
    aligned,
    place,
    place_by_birth,
    place_by_size,
)  # fmt: skip

lifetimes = st.tuples(st.integers(0, 12), st.integers(0, 5)).map(
    lambda pair: Lifetime(pair[0], pair[0] + pair[1])
)
requests = st.lists(st.tuples(st.integers(0, 500), lifetimes), max_size=24)


def busiest(sizes: list[int], lives: list[Lifetime]) -> int:
    """Bytes alive at once at the worst step: no arena can be smaller."""
    steps = range(max((life.last for life in lives), default=0) + 1)
    pairs = list(zip(sizes, lives, strict=True))
    return max(sum(aligned(n) for n, at in pairs if at.first <= s <= at.last) for s in steps)


both_ways = pytest.mark.parametrize("way", [place_by_size, place_by_birth])


def split(wanted: list[tuple[int, Lifetime]]) -> tuple[list[int], list[Lifetime]]:
    return [aligned(n) for n, _ in wanted], [life for _, life in wanted]


@both_ways
@given(wanted=requests)
def test_buffers_alive_together_never_overlap(way, wanted: list[tuple[int, Lifetime]]) -> None:
    sizes, lives = split(wanted)
    spans = list(zip(way(sizes, lives), sizes, lives, strict=True))
    for (a, n, first), (b, m, second) in combinations(spans, 2):
        if n and m and first.overlaps(second):
            assert a + n <= b or b + m <= a


@given(requests)
def test_buffers_are_aligned_and_lie_inside_the_arena(wanted: list[tuple[int, Lifetime]]) -> None:
    sizes, lives = [n for n, _ in wanted], [life for _, life in wanted]
    offsets, total = place(sizes, lives)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    assert all(offset + n <= total for offset, n in zip(offsets, sizes, strict=True))
    assert busiest(sizes, lives) <= total <= sum(map(aligned, sizes))


def test_memory_of_dead_buffers_is_joined_and_used_again() -> None:
    lives = [Lifetime(0, 1), Lifetime(0, 1), Lifetime(2, 2)]
    assert place_by_birth([128, 64, 256], lives)[2] == 0
    assert place([100, 30, 200], lives)[1] == 256


@both_ways
def test_a_stack_of_lifetimes_takes_no_more_than_is_alive(way) -> None:
    n = 200
    lives = [Lifetime(i, 2 * n - i) for i in range(n)] + [Lifetime(n + i, n + i) for i in range(n)]
    sizes = [64 * (i % 7 + 1) for i in range(n)] + [64] * n
    total = max(o + n for o, n in zip(way(sizes, lives), sizes, strict=True))
    assert total == busiest(sizes, lives)


def test_very_many_buffers_are_placed_in_order_of_birth() -> None:
    n = PATIENCE + 1
    sizes = [64 * (i % 11) for i in range(n)]
    lives = [Lifetime(i, i + i % 17) for i in range(n)]
    assert place(sizes, lives)[0] == place_by_birth(sizes, lives)
    assert place(sizes[:-1], lives[:-1])[0] != place_by_birth(sizes[:-1], lives[:-1])
