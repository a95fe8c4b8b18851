from __future__ import annotations

from itertools import combinations
from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from graphflow.schedule.memory import ALIGNMENT, Lifetime, aligned, place

lifetimes = st.tuples(st.integers(0, 12), st.integers(0, 5)).map(
    lambda pair: Lifetime(pair[0], pair[0] + pair[1])
)
requests = st.lists(st.tuples(st.integers(0, 500), lifetimes), max_size=24)


def busiest(sizes: list[int], lives: list[Lifetime]) -> int:
    """Bytes alive at once at the worst step: no arena can be smaller."""
    steps = range(max((life.last for life in lives), default=0) + 1)
    pairs = list(zip(sizes, lives, strict=True))
    return max(sum(aligned(n) for n, at in pairs if at.first <= s <= at.last) for s in steps)


@given(requests)
def test_buffers_alive_together_never_overlap(wanted: list[tuple[int, Lifetime]]) -> None:
    sizes, lives = [n for n, _ in wanted], [life for _, life in wanted]
    offsets, _ = place(sizes, lives)
    spans = list(zip(offsets, sizes, lives, strict=True))
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


@given(requests)
def test_placing_is_deterministic(wanted: list[tuple[int, Lifetime]]) -> None:
    sizes, lives = [n for n, _ in wanted], [life for _, life in wanted]
    assert place(sizes, lives) == place(list(sizes), list(lives))


def test_memory_of_dead_buffers_is_used_again() -> None:
    offsets, total = place([100, 30, 200], [Lifetime(0, 1), Lifetime(0, 1), Lifetime(2, 2)])
    assert total == 256 and offsets[2] == 0  # the two holes are joined, and grow at the end


def test_a_stack_of_lifetimes_takes_no_more_than_is_alive() -> None:
    n = 500
    lives = [Lifetime(i, 2 * n - i) for i in range(n)] + [Lifetime(n + i, n + i) for i in range(n)]
    sizes = [64 * (i % 7 + 1) for i in range(n)] + [64] * n
    assert place(sizes, lives)[1] == busiest(sizes, lives)


def test_many_buffers_are_placed_fast() -> None:
    n = 50_000
    start = process_time()
    place([64 * (i % 11) for i in range(n)], [Lifetime(i, i + i % 17) for i in range(n)])
    assert process_time() - start < 1.5
