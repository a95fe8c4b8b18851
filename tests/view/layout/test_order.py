"""Crossings, counted and avoided."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphflow.view.layout.order import crossings, sort_rows
from graphflow.view.layout.ranks import rank
from graphflow.view.layout.sheet import Gaps, Sheet, Wire
from graphflow.view.layout.web import Web, weave


def woven(count: int, *ends: tuple[int, int]) -> Web:
    wires = tuple(Wire(tail, head, f"{tail}-{head}") for tail, head in ends)
    sheet = Sheet(((10, 10),) * count, 0, 0, wires, Gaps(5, 5))
    return weave(sheet, *rank(sheet))


def test_two_lines_that_swap_sides_cross_once():
    web = woven(4, (0, 3), (1, 2))
    assert crossings(web, [[0, 1], [2, 3]]) == 1
    assert crossings(web, [[0, 1], [3, 2]]) == 0


def test_lines_that_meet_do_not_cross():
    web = woven(4, (0, 2), (1, 2), (1, 3))
    assert crossings(web, [[0, 1], [2, 3]]) == 0


@given(st.sets(st.tuples(st.integers(0, 4), st.integers(5, 9)), max_size=12))
def test_crossings_are_pairs_in_opposite_order(ends):
    web = woven(10, *sorted(ends))
    upper = [node for node in range(5) if web.down[node]]
    expected = sum(a < c and b > d for a, b in ends for c, d in ends)
    assert crossings(web, [upper, [5, 6, 7, 8, 9]]) == expected


def test_sorting_undoes_crossings_that_are_not_needed():
    web = woven(8, (0, 7), (1, 6), (2, 5), (3, 4))
    sort_rows(web, [(0, node) for node in range(8)])
    assert crossings(web, web.rows) == 0
