"""Products by panels beside NumPy's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphflow.backends.llvm.words import LANES
from graphflow.backends.numba_kernels.panels import by_panels
from graphflow.ir import DType, TensorType
from graphflow.ops import Builder

RNG = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def bound(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> Callable[[], object] | None:
    b = Builder()
    node = (b.input("x", type_of(x)) @ b.input("y", type_of(y))).node
    return by_panels(node, (out,), (x, y))


def type_of(array: np.ndarray) -> TensorType:
    return TensorType(DType.FLOAT32 if array.dtype.char == "f" else DType.FLOAT64, array.shape)


@pytest.mark.parametrize("rows", [*range(1, 20), 32, 64])
@pytest.mark.parametrize("depth", [1, 7, 256])
def test_any_number_of_rows(rows: int, depth: int) -> None:
    x, y = drawn(rows, depth), drawn(5, depth, LANES)
    out = np.full((rows, 5, LANES), np.nan, np.float32)
    run = bound(x, y, out.transpose(1, 0, 2))
    assert run is not None
    run()
    wanted = (x.astype(float) @ y).transpose(1, 0, 2)
    np.testing.assert_allclose(out, wanted, rtol=0, atol=2e-6 * depth)


@pytest.mark.parametrize("panels", [1, 3, 64])
def test_rows_that_lie_anyhow_and_results_by_panels(panels: int) -> None:
    """On one thread and on several."""
    y, out = drawn(panels, 90, LANES), np.empty((panels, 21, LANES), np.float32)
    for x in (drawn(90, 21).T, drawn(42, 95)[::2, 5:], np.broadcast_to(drawn(90), (21, 90))):
        run = bound(x, y, out)
        assert run is not None
        run()
        np.testing.assert_allclose(out, x.astype(float) @ y, rtol=0, atol=2e-4)


def test_what_is_no_panel_is_left_to_others() -> None:
    x, y, out = drawn(4, 8), drawn(3, 8, LANES), np.empty((3, 4, LANES), np.float32)
    double = (x.astype(float), y.astype(float), out.astype(float))
    wide, batch = drawn(3, 8, LANES + 1), drawn(3, 4, 8)
    assert bound(*double) is None
    assert bound(x, wide, np.empty((3, 4, LANES + 1), np.float32)) is None
    assert bound(batch, y, out) is None
    assert bound(x, drawn(3, LANES, 8).transpose(0, 2, 1), out) is None
    assert bound(x[::-1], y, out) is None
    assert bound(drawn(4, 0), drawn(3, 0, LANES), out) is None
