"""Convolutions in groups, of sequences and of volumes beside the portable forward in float64."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.numba_kernels import depthwise, volumes
from graphflow.backends.numba_kernels.convolution import GROUPS, WINOGRAD
from graphflow.backends.numba_kernels.layout import BATCH_LAST, CHANNELS_LAST
from tests.backends.numba_kernels.convolving import BOUND, ROUNDING, drawn, error, three_sides

ORDERS = [(0, 1, 2, 3), CHANNELS_LAST[4], BATCH_LAST[4]]
orders = pytest.mark.parametrize("order", ORDERS, ids=["rows", "channels", "batch"])
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

NARROW = [
    # batch, groups, channels of a group on both sides, height, width, kernel, given
    (2, 16, 1, 1, 8, 8, (3, 3), {"padding": 1}),
    (3, 24, 1, 1, 7, 9, (5, 5), {"padding": 2, "stride": 2}),
    (1, 33, 1, 1, 9, 6, (3, 2), {"stride": (2, 3), "padding": ((2, 0), (0, 3))}),
    (2, 17, 1, 2, 6, 7, (3, 3), {"padding": 1}),
    (2, 16, 3, 1, 5, 5, (3, 3), {"dilation": 2, "padding": 2}),
    (3, 32, 4, 4, 6, 5, (3, 3), {"padding": 1}),
    (1, 9, 2, 3, 11, 10, (3, 2), {"stride": (3, 2), "dilation": (2, 3), "padding": (4, 1)}),
    (4, 40, 1, 1, 1, 1, (3, 3), {"padding": 1}),
    (1, 20, 1, 1, 1, 1, (1, 1), {}),
    (2, 16, 1, 1, 3, 3, (3, 3), {"padding": ((5, 0), (0, 0))}),
    (48, 16, 1, 1, 4, 4, (3, 3), {"padding": 1}),
    (2, 18, 1, 1, 4, 40, (1, 7), {"padding": ((0, 0), (3, 3))}),
]


@orders
@dtypes
@pytest.mark.parametrize("shape", NARROW, ids=str)
def test_many_narrow_groups_are_worked_on_at_a_time(shape, dtype, order):
    batch, groups, inputs, outputs, height, width, kernel, given = shape
    x = drawn((batch, groups * inputs, height, width), dtype, order)
    weight = drawn((groups * outputs, inputs, *kernel), dtype, seed=2)
    for op, found, expected, by in three_sides(x, weight, order, groups=groups, **given):
        assert by == GROUPS, op
        assert error(found, expected) < ROUNDING[dtype], op


@orders
@pytest.mark.parametrize("channels, outputs, groups, kernel, stride", [
    (6, 4, 2, 3, 1), (32, 48, 2, 3, 1), (12, 12, 4, 1, 1), (9, 6, 3, 5, 2), (3, 6, 3, 3, 1),
])  # fmt: skip
def test_other_groups_come_one_after_the_other(channels, outputs, groups, kernel, stride, order):
    x = drawn((16, channels, 8, 7), "float32", order)
    weight = drawn((outputs, channels // groups, kernel, kernel), "float32", seed=2)
    given = {"groups": groups, "padding": kernel // 2, "stride": stride}
    for op, found, expected, by in three_sides(x, weight, order, **given):
        assert by.endswith("group by group"), op
        bound = BOUND if by.startswith(WINOGRAD) else ROUNDING
        assert error(found, expected) < bound["float32"], op


@pytest.mark.parametrize("order", [(0, 1, 2), CHANNELS_LAST[3], BATCH_LAST[3]], ids=str)
@dtypes
@pytest.mark.parametrize("shape, outputs, kernel, given", [
    ((3, 20, 17), 18, 3, {"padding": 1}),
    ((2, 3, 30), 5, 5, {"stride": 2, "dilation": 3, "padding": ((4, 1),)}),
    ((32, 4, 12), 8, 3, {"padding": 1}),
    ((2, 24, 9), 24, 3, {"padding": 1, "groups": 24}),
    ((2, 6, 9), 4, 3, {"padding": 1, "groups": 2}),
    ((1, 1, 1), 1, 1, {}),
    ((4, 7, 1), 6, 3, {"padding": 1}),
], ids=str)  # fmt: skip
def test_sequences_are_images_of_one_line(shape, outputs, kernel, given, dtype, order):
    x = drawn(shape, dtype, order)
    weight = drawn((outputs, shape[1] // given.get("groups", 1), kernel), dtype, seed=2)
    for op, found, expected, by in three_sides(x, weight, order, **given):
        assert by.startswith("numba"), op
        assert error(found, expected) < ROUNDING[dtype], op


VOLUMES = [
    ((3, 2, 5, 6, 4), 3, (3, 3, 3), {"padding": 1}),
    ((2, 8, 4, 8, 8), 16, (2, 3, 3), {"padding": ((1, 0), (1, 1), (1, 1))}),
    ((2, 3, 7, 5, 6), 4, (3, 2, 1), {"stride": (2, 1, 3), "dilation": (3, 2, 1), "padding": 2}),
    ((1, 1, 1, 1, 1), 1, (1, 1, 1), {}),
    ((2, 16, 3, 4, 4), 16, (3, 3, 3), {"padding": 1, "groups": 16}),
    ((2, 4, 3, 4, 4), 6, (3, 3, 3), {"padding": (4, 1, 1), "groups": 2}),
]


@dtypes
@pytest.mark.parametrize("shape, outputs, kernel, given", VOLUMES, ids=str)
def test_volumes_are_images_of_all_slices_that_a_window_meets(
    shape, outputs, kernel, given, dtype, monkeypatch
):
    x = drawn(shape, dtype)
    weight = drawn((outputs, shape[1] // given.get("groups", 1), *kernel), dtype, seed=2)
    for room in (2**20, 1000):
        monkeypatch.setattr(volumes, "ROOM", room)
        for op, found, expected, by in three_sides(x, weight, range(5), **given):
            assert by.endswith("slice by slice"), op
            bound = BOUND if by.startswith(WINOGRAD) else ROUNDING
            assert error(found, expected) < bound[dtype], op


def test_operands_may_be_parts_of_arrays():
    whole = drawn((3, 48, 12, 12), "float32", CHANNELS_LAST[4])
    weight = drawn((20, 1, 3, 3), "float32", seed=2)
    for part in (whole[:, 5:25], whole[:, 5:25, 1:9, 2:9], whole[::2, 3:43:2, ::2]):
        for op, found, expected, _ in three_sides(
            part, weight, CHANNELS_LAST[4], groups=20, padding=1, stride=2
        ):
            assert error(found, expected) < ROUNDING["float32"], op


@pytest.mark.parametrize("groups, inputs", [(40, 1), (32, 2), (2, 20)])
def test_results_are_the_same_bit_for_bit(groups, inputs):
    x = drawn((5, groups * inputs, 9, 9), "float32", CHANNELS_LAST[4])
    weight = drawn((groups * inputs, inputs, 3, 3), "float32", seed=2)
    first, again = (
        [f for _, f, *_ in three_sides(x, weight, CHANNELS_LAST[4], groups=groups, padding=1)]
        for _ in range(2)
    )
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_not_finite_stays_in_its_group():
    x, weight = drawn((1, 40, 12, 12), "float32"), drawn((40, 2, 3, 3), "float32", seed=2)
    assert depthwise.suits(20, 40, 40)
    x[0, 3, 5, 5], x[0, 30, 2, 2] = np.nan, np.inf
    for op, found, expected, _ in three_sides(x, weight, (0, 1, 2, 3), groups=20, padding=1):
        if op != "conv_transpose":
            np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected), err_msg=op)
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), err_msg=op)
