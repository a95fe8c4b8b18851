from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.numba_kernels import NUMBA
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.op import get_op
from graphflow.schedule.views import as_ordered

LAST = (0, 2, 3, 1)


def joined(
    parts: list[np.ndarray], axis: int = 1, order: tuple[int, ...] = LAST
) -> tuple[np.ndarray, str]:
    """The parts joined by numba's backend into memory in an order, and who did it."""
    op = get_op("concat")
    types = [TensorType(DType(str(x.dtype)), x.shape) for x in parts]
    attrs = op.canonical(types, {"axis": axis})
    type = op.infer(*types, **attrs)
    out = as_ordered(np.zeros(type.shape, type.dtype.value), order)
    names = tuple(f"x{i}" for i in range(len(parts)))
    bound = NUMBA.bound(Node("concat", names, tuple(attrs.items()), type, "out"), (out,), parts)
    bound.run()
    np.testing.assert_array_equal(out, np.concatenate(parts, axis))
    return out, bound.by


def images(*shape: int, dtype: str = "float32") -> np.ndarray:
    rows = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    return np.ascontiguousarray(rows.transpose(LAST)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_channels_are_joined_pixel_by_pixel(dtype: str) -> None:
    parts = [images(3, c, 4, 5, dtype=dtype) for c in (16, 1, 37, 0)]
    assert joined(parts)[1] == "numba"
    assert joined([parts[0][:, 3:9], parts[2][:, ::1]])[1] == "numba"
    assert joined([images(1, 17, 1, 1), images(1, 2, 1, 1)])[1] == "numba"


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("large", [1, 40])
def test_rows_are_joined_along_any_axis(axis: int, large: int) -> None:
    draw = np.random.default_rng(1).standard_normal
    sizes = ([3 * large, 7, 45], [3 * large, 7, 45])
    sizes[1][axis] = 2
    assert joined([draw(s) for s in sizes], axis, (0, 1, 2))[1] == "numba"


def test_gates_side_by_side_are_joined_row_by_row() -> None:
    gates = [np.random.default_rng(g).standard_normal((32, 5)) for g in range(4)]
    wide = np.zeros((32, 12))
    assert joined([*gates, wide[:, 2:9]], 1, (0, 1))[1] == "numba"


def test_images_below_each_other_are_joined_where_channels_lie_last() -> None:
    assert joined([images(2, 4, 3, 3), images(2, 4, 5, 3)], axis=2)[1] == "numba"


def test_what_lies_otherwise_is_left_to_numpy() -> None:
    rows = np.ascontiguousarray(images(2, 4, 3, 3))
    assert joined([rows, images(2, 5, 3, 3)])[1] == "numpy"
    assert joined([images(0, 4, 3, 3), images(0, 4, 3, 3)])[1] == "numpy"
    turned = np.arange(12.0).reshape(3, 4)[::-1]
    assert joined([turned, turned], 1, (0, 1))[1] == "numpy"
    assert joined([np.arange(4), np.arange(3)], 0, (0,))[1] == "numpy"
