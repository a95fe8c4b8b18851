"""Numba's convolutions beside the operators' portable forward in float64."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.numba_kernels import EXACT, columns
from graphflow.backends.numba_kernels.convolution import BATCH, LINES, PRODUCTS, WINOGRAD
from graphflow.backends.numba_kernels.layout import BATCH_LAST, CHANNELS_LAST
from tests.backends.numba_kernels.convolving import (
    BASE,
    BOUND,
    ROUNDING,
    computed,
    drawn,
    error,
    three_sides,
)

ROWS, CHANNELS, IMAGES = (0, 1, 2, 3), CHANNELS_LAST[4], BATCH_LAST[4]
"""Orders of axes in memory, the last of them is of neighbours."""
orders = pytest.mark.parametrize(
    "order", [ROWS, CHANNELS, IMAGES], ids=["rows", "channels", "batch"]
)


WINOGRAD_SHAPES = [
    # batch, channels, height, width, outputs, padding
    (2, 16, 8, 8, 16, 1),
    (1, 17, 7, 9, 33, 1),
    (3, 20, 5, 12, 16, 0),
    (2, 16, 4, 3, 40, ((2, 0), (1, 3))),
    (5, 32, 4, 4, 16, 2),
]
WIDE_SHAPES = [
    (2, 16, 8, 8, 16, 2),
    (1, 17, 7, 9, 33, 2),
    (3, 20, 6, 12, 16, 0),
    (2, 16, 4, 3, 40, ((4, 1), (2, 3))),
]


@orders
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "side, shape", [*((3, s) for s in WINOGRAD_SHAPES), *((5, s) for s in WIDE_SHAPES)], ids=str
)
def test_winograd_keeps_its_bound(side, shape, dtype, order):
    batch, channels, height, width, outputs, padding = shape
    x = drawn((batch, channels, height, width), dtype, order)
    weight = drawn((outputs, channels, side, side), dtype, seed=2)
    for op, found, expected, by in three_sides(x, weight, order, padding=padding):
        assert by == WINOGRAD, op
        assert error(found, expected) < BOUND[dtype], op


@pytest.mark.slow
@pytest.mark.parametrize(
    "channels, size, bound", [(16, 16, 2e-6), (64, 16, 2.5e-6), (256, 8, 4e-6), (512, 4, 6e-6)]
)
@pytest.mark.parametrize("side", [3, 5])
def test_winograds_bound_grows_with_the_channels(side, channels, size, bound):
    x = drawn((8, channels, size, size), "float32", CHANNELS)
    weight = drawn((channels, channels, side, side), "float32", seed=2)
    for op, found, expected, by in three_sides(x, weight, CHANNELS, padding=side // 2):
        assert by == WINOGRAD and error(found, expected) < bound, op


def test_large_kernels_and_few_tiles_are_shared_out_by_channels():
    x, weight = (
        drawn((1, 176, 4, 4), "float32", CHANNELS),
        drawn((160, 176, 3, 3), "float32", seed=2),
    )
    for op, found, expected, by in three_sides(x, weight, CHANNELS, padding=1):
        assert by == WINOGRAD and error(found, expected) < BOUND["float32"], op


PRODUCT_SHAPES = [
    # batch, channels, height, width, outputs, kernel, given
    (2, 3, 9, 7, 5, (3, 3), {"stride": 2, "padding": 1}),
    (3, 16, 6, 6, 20, (1, 1), {}),
    (3, 16, 7, 6, 20, (1, 1), {"stride": 2}),
    (2, 1, 12, 12, 6, (5, 5), {"padding": 2}),
    (2, 6, 8, 9, 16, (5, 4), {"padding": ((0, 3), (2, 1))}),
    (4, 40, 1, 1, 24, (3, 3), {"padding": 1}),
    (4, 17, 2, 2, 24, (3, 3), {"padding": 1}),
    (4, 17, 2, 3, 9, (3, 3), {"stride": 2, "padding": 1}),
    (2, 3, 16, 16, 8, (7, 7), {"stride": 2, "padding": 3}),
    (1, 4, 11, 10, 3, (3, 2), {"stride": (3, 2), "dilation": (2, 3), "padding": (4, 1)}),
    (1, 1, 1, 1, 1, (1, 1), {}),
    (2, 2, 3, 3, 2, (3, 3), {"stride": (1, 1), "padding": ((5, 0), (0, 0))}),
]


@orders
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", PRODUCT_SHAPES, ids=str)
def test_windows_as_rows_of_a_product(shape, dtype, order):
    batch, channels, height, width, outputs, kernel, given = shape
    x = drawn((batch, channels, height, width), dtype, order)
    weight = drawn((outputs, channels, *kernel), dtype, seed=2)
    for op, found, expected, by in three_sides(x, weight, order, **given):
        assert by in (LINES, PRODUCTS), op
        assert error(found, expected) < ROUNDING[dtype], op


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", PRODUCT_SHAPES, ids=str)
def test_a_pixel_of_all_images_at_a_time(shape, dtype):
    _, channels, height, width, outputs, kernel, given = shape
    weight = drawn((outputs, channels, *kernel), dtype, seed=2)
    for order, batch in [(IMAGES, 48), (ROWS, 16)]:  # what is fed lies in rows
        x = drawn((batch, channels, height, width), dtype, order)
        y, expected, by = computed("conv", (x, weight), IMAGES, **{**BASE, **given})
        assert by == BATCH and error(y, expected) < ROUNDING[dtype]
    x = drawn((32, channels, height, width), dtype, IMAGES)
    for op, found, expected, by in three_sides(x, weight, IMAGES, **given):
        assert by == BATCH, op
        assert error(found, expected) < ROUNDING[dtype], op


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize(
    "given", [{"stride": 2}, {"stride": 3, "padding": 2}, {"dilation": 2}], ids=str
)
def test_rows_are_laid_out_in_several_goes(given, batch, monkeypatch):
    monkeypatch.setattr(columns, "ROOM", 500)
    monkeypatch.setattr(columns, "FEWEST", 8)
    x, weight = (
        drawn((batch, 4, 13, 9), "float32", CHANNELS),
        drawn((6, 4, 3, 3), "float32", seed=2),
    )
    for op, found, expected, _ in three_sides(x, weight, CHANNELS, **given):
        assert error(found, expected) < ROUNDING["float32"], op


def test_few_pixels_of_many_channels_are_shared_out_by_outputs():
    x, weight = drawn((1, 20, 3, 3), "float32", CHANNELS), drawn((40, 20, 3, 3), "float32", seed=2)
    for op, found, expected, _ in three_sides(x, weight, CHANNELS, stride=2, padding=1):
        assert error(found, expected) < ROUNDING["float32"], op


def test_operands_may_be_parts_of_arrays():
    whole = drawn((3, 24, 12, 12), "float32", CHANNELS)
    weight = drawn((8, 10, 3, 3), "float32", seed=2)
    for part in (whole[:, 5:15], whole[:, 5:15, 1:9, 2:9], whole[::2, 3:23:2, ::2]):
        for stride in (1, 2):
            for op, found, expected, _ in three_sides(
                part, weight, CHANNELS, stride=stride, padding=1
            ):
                assert error(found, expected) < BOUND["float32"], op
    lone = np.broadcast_to(drawn((3, 10, 1, 1), "float32"), (3, 10, 5, 5))
    for op, found, expected, _ in three_sides(lone, weight, ROWS, padding=1):
        assert error(found, expected) < ROUNDING["float32"], op


def test_convolutions_of_nothing_are_left_to_numpy():
    for shape in [(0, 4, 6, 6), (0, 4, 9), (0, 4, 5, 5, 5)]:
        x, weight = drawn(shape, "float32"), drawn((3, 4, *[3] * (len(shape) - 2)), "float32")
        found, expected, by = computed("conv", (x, weight), **BASE)
        assert by.startswith("numpy") and found.shape == expected.shape


def test_exact_convolutions_do_without():
    x, weight = drawn((2, 16, 8, 8), "float32"), drawn((16, 16, 3, 3), "float32", seed=2)
    for op, found, expected, by in three_sides(x, weight, ROWS, EXACT, padding=1):
        assert by != WINOGRAD and error(found, expected) < 1e-6, op


def test_results_are_the_same_bit_for_bit():
    x, weight = drawn((4, 32, 9, 9), "float32", CHANNELS), drawn((48, 32, 3, 3), "float32", seed=2)
    first, again = (
        [f for _, f, *_ in three_sides(x, weight, CHANNELS, padding=1)] for _ in range(2)
    )
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_not_finite_comes_through():
    x, weight = drawn((1, 16, 12, 12), "float32"), drawn((16, 16, 3, 3), "float32", seed=2)
    x[0, 3, 5, 5] = np.nan
    found, expected, _ = computed("conv", (x, weight), **{**BASE, "padding": 1})
    assert np.isnan(found[np.isnan(expected)]).all()
    assert np.isfinite(found[:, :, 8:, 8:]).all()
