"""Kernels compiled from Python do what Python does."""

from __future__ import annotations

from types import FunctionType

import numpy as np
import pytest

from graphflow.backends.llvm.native import Kernel, kernel
from graphflow.backends.llvm.translate import module, written
from graphflow.backends.llvm.words import (
    LANES,
    Ints,
    Reals,
    apart,
    beyond,
    copy_lanes,
    gemm,
    lanes,
    put,
    put_whole,
    repeated,
    room,
    transpose_lanes,
)
from graphflow.backends.numba_kernels import batches, planes

THIRD = 1 / 3
FLOATS = [np.float32, np.float64]


@kernel
def _whole(part: int, parts: int, x: Ints, y: Ints, out: Ints, count: int) -> None:
    for i in range(count):
        a, b = x[i], y[i]
        out[6 * i], out[6 * i + 1] = a // b, a % b
        out[6 * i + 2] = min(a, b) - max(-a, 2)
        out[6 * i + 3] = 1 if a < b <= 3 or not a else -1
        out[6 * i + 4] = a if a != b and a > 0 else b
        out[6 * i + 5] = a * b - (a - b) * 3


def _halves(n: int) -> tuple[int, int]:
    if n % 2 == 0:
        return n // 2, n // 2
    return n // 2, n - n // 2


@apart
def _collatz(n: int) -> int:
    steps = 0
    while True:
        if n == 1:
            break
        if n % 2:
            n = 3 * n + 1
            steps += 1
            continue
        n, other = _halves(n)
        steps += 1 if n == other else 100
    return steps


@kernel
def _control(part: int, parts: int, out: Ints, count: int) -> None:
    for i in range(part, count, parts):
        out[i] = _collatz(i + 1)
        for j in range(i):
            if j == 2:
                continue
            if j > 4:
                break
            out[i] += j


@kernel
def _broken(part: int, parts: int, x: Reals, y: Reals, count: int, sizes: Ints) -> None:
    scale, shift = sizes
    for i in range(count):
        v = x[i]
        y[i] = (v * scale - shift / 4) * THIRD + i
        y[i] -= 2.5 if v > 0 else -v
        if v != v:
            y[i] = -1


def both(kernel: Kernel, dtype: type, parts: int, *arguments: object) -> None:
    """Run what was written by Python, and the same compiled, which must leave the same."""
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    kernel.call(dtype, parts, *arguments)()  # type: ignore[arg-type]
    for part in range(parts):
        kernel.function(part, parts, *copies)
    for ours, wanted in zip(arguments, copies, strict=True):
        if isinstance(ours, np.ndarray):
            np.testing.assert_allclose(ours, wanted, rtol=1e-6)


def test_whole_numbers_are_divided_and_compared_as_python_does() -> None:
    values = np.array([-7, -3, -1, 0, 1, 2, 3, 8])
    x, y = (a.reshape(-1).copy() for a in np.meshgrid(values, values[values != 0]))
    both(_whole, np.float32, 1, x, y, np.zeros(6 * x.size, np.int64), x.size)


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_loops_functions_and_parts(parts: int) -> None:
    both(_control, np.float32, parts, np.zeros(20, np.int64), 20)


@pytest.mark.parametrize("dtype", FLOATS)
def test_numbers_have_the_type_of_the_call(dtype: type) -> None:
    x = np.array([1.5, -2, 0, np.nan, 3], dtype)
    both(_broken, dtype, 1, x, np.zeros(5, dtype), 5, (2, 3))
    out = np.zeros(5, dtype)
    _broken.call(dtype, 1, np.array([np.inf, -np.inf, 0, 1, 2], dtype), out, 5, (2, 3))()
    assert out[:2].tolist() == [np.inf, -np.inf]


@kernel
def _moved(part: int, parts: int, x: Reals, y: Reals, z: Reals) -> None:
    copy_lanes(y, 3, x, 1)
    transpose_lanes(z, 0, LANES, beyond(x, 2), 1, LANES + 1)


@kernel
def _multiplied(part: int, parts: int, x: Reals, y: Reals, out: Reals) -> None:
    held = room(6)
    for i in range(6):
        held[i] = x[i]
    gemm(78, 78, 4, 2, 3, y, 4, held, 3, 1, out, 4)


@pytest.mark.parametrize("dtype", [*FLOATS, np.int32])
def test_lanes_are_moved_and_turned(dtype: type) -> None:
    x = np.arange(3 + LANES * (LANES + 1)).astype(dtype)
    y, z = np.zeros(LANES + 5, dtype), np.zeros((LANES, LANES), dtype)
    _moved.call(dtype, 1, x, y, z)()
    assert y.tolist() == [0, 0, 0, *x[1 : LANES + 1], 0, 0]
    rows = [x[3 + i * (LANES + 1) :][:LANES] for i in range(LANES)]
    assert np.array_equal(z, np.stack(rows, axis=1))


@kernel
def _selected(part: int, parts: int, x: Reals, y: Reals, places: Ints, out: Reals) -> None:
    a, b = lanes(x, 0), lanes(y, 0)
    nearer = a < b and (b <= 2 or a != a)
    put(out, 0, a if nearer else b / 4)
    put_whole(places, 1, repeated(7) if b > a else -3)


@pytest.mark.parametrize("dtype", FLOATS)
def test_each_lane_is_chosen_by_its_own_condition(dtype: type) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.integers(-4, 5, LANES).astype(dtype) for _ in range(2))
    x[3], y[5] = np.nan, np.nan
    out, places = np.zeros(LANES, dtype), np.zeros(LANES + 1, np.int64)
    _selected.call(dtype, 1, x, y, places, out)()
    assert np.array_equal(out, np.where((x < y) & (y <= 2), x, y / 4), equal_nan=True)
    assert places.tolist() == [0, *np.where(y > x, 7, -3)]


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_product_is_added(dtype: type) -> None:
    x, y, out = (np.arange(1, 1 + m * n).reshape(m, n).astype(dtype)
                 for m, n in ((2, 3), (3, 4), (2, 4)))  # fmt: skip
    wanted = x @ y + out
    _multiplied.call(dtype, 1, x, y, out)()
    assert np.array_equal(out, wanted)


def test_arrays_may_be_handed_over_when_it_runs() -> None:
    call = _broken.call(np.float32, 1, None, None, 3, (1, 0))
    for value in (1, 2):
        x, y = np.full(3, value, np.float32), np.zeros(3, np.float32)
        call(x, y)
        assert y == pytest.approx(value / 3 - 2.5 + np.arange(3))


def _unknown(part: int, parts: int, x: Reals) -> None:
    x[0] = sum(x)


def _changing(part: int, parts: int, x: Reals) -> None:
    v = 1
    v = x[v]


def _for_all(part: int, parts: int, x: Reals) -> None:
    if lanes(x, 0) > 0:
        x[0] = 1


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (_unknown, r"_unknown: cannot compile sum\(x\)"),
        (_changing, "kind"),
        (_for_all, r"_for_all: cannot compile lanes\(x, 0\) > 0"),
    ],
)
def test_what_is_not_known_is_refused(function: FunctionType, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        module(function, np.dtype(np.float32))


def test_arrays_of_another_number_type_are_refused() -> None:
    x = np.zeros(3)
    with pytest.raises(TypeError, match="float64 for float32"):
        _broken.call(np.float32, 1, x, x, 3, (1, 0))


def test_kernels_of_one_name_in_two_modules_are_told_apart() -> None:
    names = [written(m._convolve.function, np.dtype(np.float32)) for m in (planes, batches)]
    assert names[0] != names[1]
    assert names[0] == written(planes._convolve.function, np.dtype(np.float32))
    assert names[0] != written(planes._convolve.function, np.dtype(np.float64))
