"""Launches that follow each other are one walk, which stops where something is missed."""

from __future__ import annotations

import os

import numba
import numpy as np
import pytest

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.launch import LONGEST, Walk, walked
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.pool import DECIDES, PATIENCE, patience
from graphflow.backends.llvm.words import Ints
from graphflow.ops.op import Array


@kernel
def _add(part: int, parts: int, x: Ints, number: int, count: int) -> None:
    for i in range(part, count, parts):
        x[i] = 2 * x[i] + number


@kernel
def _look(part: int, parts: int, x: Ints, most: int, missed: Ints) -> None:
    missed[part] = 1 if x[part] > most else 0


@kernel
def _turn(part: int, parts: int, x: Ints, y: Ints, number: int, count: int) -> None:
    for i in range(part, count, parts):
        y[i] = 3 * x[count - 1 - i] + x[(i + count - 1) % count] + number


def adding(x: Array, number: int, parts: int = 1) -> Walk:
    return _add.bound(np.float32, parts, x, number, x.size)


def run(kernels: list[Kernel]) -> None:
    for each in kernels:
        each()


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_launches_run_in_their_order_whatever_stands_between_them(parts: int) -> None:
    x = np.arange(9)
    between = lambda: np.negative(x, out=x)  # noqa: E731
    kernels = [adding(x, 1, parts), adding(x, 2), between, adding(x, 3, parts)]
    found = walked(kernels)
    assert [isinstance(k, Walk) for k in found] == [True, False, True]
    run(found)
    assert x.tolist() == [2 * -(2 * (2 * i + 1) + 2) + 3 for i in range(9)]


def test_a_long_line_is_cut_so_that_python_hears_of_interrupts() -> None:
    x = np.zeros(3, np.int64)
    found = walked([adding(x, 0)] * LONGEST + [adding(x, 1)])
    assert [len(walk.launches) for walk in found if isinstance(walk, Walk)] == [LONGEST, 1]
    run(found)
    assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize("workers", [1, 2])
def test_no_launch_begins_before_the_one_before_it_is_done(workers: int) -> None:
    """Each reads what all parts of the last one wrote; numbers wrap, so that any slip shows."""
    parts = np.random.default_rng(0).choice([1, 1, 2, 3, 8], LONGEST)
    bound, wanted = (np.arange(50), np.arange(50)), (np.arange(50), np.arange(50))
    x, y = bound
    launches = [
        _turn.bound(np.float32, int(p), *((x, y) if k % 2 else (y, x)), k, x.size)
        for k, p in enumerate(parts)
    ]
    x, y = wanted
    for k in range(LONGEST):
        source, target = (x, y) if k % 2 else (y, x)
        target[:] = 3 * source[::-1] + np.roll(source, 1) + k
    before = numba.get_num_threads()
    (walk,) = walked(launches)
    numba.set_num_threads(min(workers, before))
    try:
        for _ in range(300):
            for array in bound:
                array[:] = np.arange(50)
            walk()
            assert all(map(np.array_equal, bound, wanted))
    finally:
        numba.set_num_threads(before)


def test_walks_are_joined_again() -> None:
    x = np.zeros(3, np.int64)
    (once,) = walked([adding(x, 1), adding(x, 2)])
    (twice,) = walked([once, once])
    twice()
    assert x.tolist() == [20, 20, 20]


@pytest.mark.parametrize("parts", [1, 2])
def test_what_was_missed_is_done_again_before_the_walk_goes_on(parts: int) -> None:
    x, missed = np.array([5, 0]), np.zeros(2, np.int64)

    def repaired() -> None:
        x[:] = 1

    look = _look.bound(np.float32, parts, x, 3, missed, missed=missed, fallback=repaired)
    (walk,) = walked([look, adding(x, 1), look, adding(x, 2)])
    walk()
    assert x.tolist() == [8, 8] and not missed.any()
    x[0] = 9
    walk()
    assert x.tolist() == [8, 8]


def test_a_fallback_that_refuses_ends_the_walk() -> None:
    x, missed = np.array([5, 0]), np.zeros(1, np.int64)

    def refused() -> None:
        raise IndexError("out of range")

    look = _look.bound(np.float32, 1, x, 3, missed, missed=missed, fallback=refused)
    (walk,) = walked([look, adding(x, 1)])
    with pytest.raises(IndexError):
        walk()
    assert x.tolist() == [5, 0]
    x[0] = 0
    walk()
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize(("said", "inside"), [
    ({}, PATIENCE["GOMP_SPINCOUNT"]),
    ({"GOMP_SPINCOUNT": "7"}, "7"),
    ({"OMP_WAIT_POLICY": "PASSIVE"}, None),
])  # fmt: skip
def test_threads_wait_as_long_as_is_good_here_unless_the_user_says_it(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str], inside: str | None
) -> None:
    for name in DECIDES:
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with patience():
        assert os.environ.get("GOMP_SPINCOUNT") == inside
    assert {n: v for n in DECIDES if (v := os.environ.get(n))} == said
