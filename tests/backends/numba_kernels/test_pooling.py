"""Numba's pooling beside the operators' portable forward."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.numba_kernels import NUMBA
from graphflow.backends.numba_kernels.layout import BATCH_LAST, CHANNELS_LAST
from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import get_op
from graphflow.schedule.views import as_ordered

ROWS: dict[int, tuple[int, ...]] = {}
layouts = pytest.mark.parametrize(
    "orders", [ROWS, CHANNELS_LAST, BATCH_LAST], ids=["rows", "channels", "batch"]
)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def drawn(shape, dtype="float32", orders=ROWS, seed=0):
    return laid(np.random.default_rng(seed).standard_normal(shape).astype(dtype), orders)


def laid(x, orders):
    """The same array with another order of its axes in memory."""
    out = _empty(x.shape, x.dtype, orders)
    out[...] = x
    return out


def _empty(shape, dtype, orders):
    out = np.full(shape, 7, dtype)
    return as_ordered(out, orders[out.ndim]) if out.ndim in orders else out


def computed(op, operands, orders=ROWS, **attrs):
    types = [TensorType(DType(str(x.dtype)), x.shape) for x in operands]
    complete = get_op(op).canonical(types, attrs)
    type = get_op(op).infer(*types, **complete)
    node = Node(op, ("x", "y")[: len(operands)], tuple(complete.items()), type, "out")
    out = _empty(type.shape, type.dtype.value, orders)
    bound = NUMBA.bound(node, (out,), operands)
    assert bound.by == "numba"
    bound.run()
    return out, get_op(op).forward(np, *operands, **complete)


SHAPES = [
    ((2, 3, 8, 8), {"kernel_size": 2, "stride": None, "padding": 0, "ceil_mode": False}),
    ((2, 17, 7, 9), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": False}),
    ((18, 16, 4, 5), {"kernel_size": 3, "stride": 1, "padding": 1, "ceil_mode": False}),
    ((33, 40, 5, 6), {"kernel_size": (2, 3), "stride": (3, 2), "padding": ((1, 0), (1, 1)),
                      "ceil_mode": True}),
    ((1, 5, 6, 4), {"kernel_size": 3, "stride": 1, "padding": 1, "ceil_mode": False}),
    ((3, 1, 1, 1), {"kernel_size": 1, "stride": 1, "padding": 0, "ceil_mode": False}),
    ((2, 4, 5, 6), {"kernel_size": (2, 3), "stride": (3, 2), "padding": ((1, 0), (1, 1)),
                    "ceil_mode": True}),
]  # fmt: skip
shapes = pytest.mark.parametrize("shape, attrs", SHAPES, ids=str)


@layouts
@dtypes
@shapes
@pytest.mark.parametrize("op", ["max_pool", "max_pool_indices"])
def test_the_largest(op, shape, attrs, dtype, orders):
    x = np.round(drawn(shape, dtype, orders), 1)  # with some equals
    found, expected = computed(op, [x], orders, dilation=1, **attrs)
    np.testing.assert_array_equal(found, expected)


@layouts
def test_the_largest_of_dilated_windows_and_of_nan_and_infinities(orders):
    x = drawn((18, 20, 9, 8), "float32", orders)
    x[0, 1, 2, 2], x[1, 3], x[1, 4, 5, 5], x[1, 5, :4, 6] = np.nan, -np.inf, np.inf, np.nan
    x[17, :, 0, 0], x[:, 19, 8] = np.nan, -np.inf
    for attrs in ({"dilation": 2, "padding": 0}, {"dilation": 1, "padding": 1}):
        for op in ("max_pool", "max_pool_indices"):
            given = {"kernel_size": 3, "stride": 2, "ceil_mode": False, **attrs}
            np.testing.assert_array_equal(*computed(op, [x], orders, **given))


@layouts
@dtypes
@shapes
@pytest.mark.parametrize("inside", [True, False])
def test_the_mean_and_its_adjoint(shape, attrs, inside, dtype, orders):
    tolerance = {"float32": 1e-6, "float64": 1e-15}[dtype]
    attrs = {**attrs, "count_include_pad": inside}
    found, expected = computed("avg_pool", [drawn(shape, dtype, orders)], orders, **attrs)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    g = drawn(found.shape, dtype, orders)
    back = computed("avg_unpool", [g], orders, spatial=shape[2:], **attrs)
    np.testing.assert_allclose(*back, rtol=tolerance, atol=tolerance)


@layouts
@pytest.mark.parametrize("size", [1, (2, 3), (4, 6)])
def test_bins_of_one_size(size, orders):
    x = drawn((3, 18, 4, 6), "float32", orders)
    found, expected = computed("adaptive_avg_pool", [x], orders, output_size=size)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    back = computed(
        "adaptive_avg_unpool", [drawn(found.shape, orders=orders)], orders, spatial=(4, 6)
    )
    np.testing.assert_allclose(*back, rtol=1e-6, atol=1e-6)


@layouts
@dtypes
def test_elements_are_routed_back_to_their_places(dtype, orders):
    places = np.random.default_rng(1).integers(-4, 12, (3, 18, 7))
    x = drawn((3, 18, 7), dtype, orders)
    operands = [x, laid(places, orders)]
    found = computed("scatter_add_along_axis", operands, orders, size=12, axis=2, negative=True)
    np.testing.assert_allclose(*found, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("place, negative", [(12, True), (-13, True), (-1, False)])
def test_places_that_are_not_there_are_refused(place, negative):
    places = np.zeros((1, 2, 3), np.int64)
    places[0, 1, 1] = place
    with pytest.raises(GraphflowError):
        computed("scatter_add_along_axis", [drawn((1, 2, 3)), places], ROWS, size=12, axis=2,
                 negative=negative)  # fmt: skip


def test_operands_may_be_parts_and_may_lie_otherwise_than_results():
    for x in (
        drawn((3, 24, 12, 12), orders=CHANNELS_LAST)[:, 5:15, 1:9],
        drawn((3, 10, 16, 12))[:, :, ::2],
    ):
        for orders in (ROWS, CHANNELS_LAST, BATCH_LAST):
            attrs = SHAPES[1][1]
            np.testing.assert_array_equal(*computed("max_pool", [x], orders, dilation=1, **attrs))
            found = computed("avg_pool", [x], orders, count_include_pad=True, **attrs)
            np.testing.assert_allclose(*found, rtol=1e-6, atol=1e-6)
