"""Launches that follow each other are one walk, which stops where something is missed."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from graphflow.backends.base import Kernel
from graphflow.backends.llvm.launch import LONGEST, Walk, walked
from graphflow.backends.llvm.native import kernel
from graphflow.backends.llvm.pool import PATIENCE
from graphflow.backends.llvm.words import Ints
from graphflow.ops.op import Array


@kernel
def _add(part: int, parts: int, x: Ints, number: int, count: int) -> None:
    for i in range(part, count, parts):
        x[i] = 2 * x[i] + number


@kernel
def _look(part: int, parts: int, x: Ints, most: int, missed: Ints) -> None:
    missed[part] = 1 if x[part] > most else 0


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


def test_threads_wait_as_long_as_is_good_here_unless_the_user_says_it() -> None:
    def seen(said: dict[str, str]) -> str:
        code = (
            "import os; from graphflow.backends.llvm.pool import patience\n"
            "with patience(): inside = os.environ.get('GOMP_SPINCOUNT')\n"
            "print(inside, os.environ.get('GOMP_SPINCOUNT'))"
        )
        around = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT",)} | said
        done = subprocess.run(
            [sys.executable, "-c", code], env=around, text=True, capture_output=True, check=True
        )
        return done.stdout.strip()

    assert seen({}) == f"{PATIENCE['GOMP_SPINCOUNT']} None"
    assert seen({"GOMP_SPINCOUNT": "7"}) == "7 7"
    assert seen({"OMP_WAIT_POLICY": "PASSIVE"}) == "None None"
