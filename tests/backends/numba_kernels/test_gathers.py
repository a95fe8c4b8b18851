from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from graphflow.backends.numba_kernels import NUMBA, gathers
from graphflow.diagnostics import GraphflowError
from graphflow.ir import DType, TensorType
from graphflow.ir.graph import Node
from graphflow.ops import OPS, Builder

RNG = np.random.default_rng(0)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(autouse=True)
def _all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathers, "SMALL", 0)


def node(op: str, operands: Sequence[np.ndarray], **attrs: object) -> Node:
    b = Builder()
    leaves = [
        b.input(f"x{i}", TensorType(DType(x.dtype.name), x.shape)) for i, x in enumerate(operands)
    ]
    return b.add(op, *leaves, **attrs).node  # type: ignore[arg-type]


def run(made: Node, operands: Sequence[np.ndarray], out: np.ndarray) -> np.ndarray:
    kernel = gathers.GATHERS[made.op](made, (out,), tuple(operands))
    assert kernel is not None
    kernel()
    return out


@every_dtype
@pytest.mark.parametrize("shape", [(7, 5), (7, 1), (1, 5), (7, 3, 2), (7,)], ids=str)
@pytest.mark.parametrize("places", [(3, 4), (6,), ()], ids=str)
def test_rows_are_read(dtype: str, shape: tuple[int, ...], places: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape).astype(dtype)
    x.flat[0] = np.nan
    for axis in range(x.ndim):
        indices = np.asarray(RNG.integers(-shape[axis], shape[axis], places))
        wanted = np.take(x, indices, axis)
        made = node("take", [x, indices], axis=axis)
        got = run(made, [x, indices], np.empty(wanted.shape, dtype))
        np.testing.assert_array_equal(got, wanted)


@every_dtype
@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("shape", [(7, 5), (1, 5), (7, 1), (7, 3, 2), (7,)], ids=str)
def test_rows_are_added_in_order(dtype: str, shape: tuple[int, ...], count: int) -> None:
    """Bit for bit as if one after the other, on any number of threads."""
    x = RNG.normal(size=shape).astype(dtype)
    indices = RNG.integers(-shape[0], shape[0], count)
    updates = RNG.normal(size=(count, *shape[1:])).astype(dtype)
    wanted = x.copy()
    for place, update in zip(indices, updates, strict=True):
        wanted[place] += update
    operands = [x, indices[:, None], updates]
    made = node("scatter_nd", operands, reduce="add")
    np.testing.assert_array_equal(run(made, operands, np.empty_like(x)), wanted)
    own = x.copy()
    np.testing.assert_array_equal(run(made, [own, *operands[1:]], own), wanted)
    zeros = np.zeros_like(x)
    np.add.at(zeros, indices, updates)
    summed = node("scatter_add", [updates, indices], size=shape[0])
    got = run(summed, [updates, indices], np.full_like(x, 7))
    np.testing.assert_allclose(got, zeros, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("place", [7, -8])
def test_positions_out_of_range_are_told(place: int) -> None:
    x, updates = np.zeros((7, 5)), np.ones((2, 5))
    indices = np.array([1, place])
    for op, operands in {
        "take": [x, indices], "scatter_nd": [x, indices[:, None], updates],
    }.items():  # fmt: skip
        made = node(op, operands, **({"reduce": "add"} if op == "scatter_nd" else {}))
        with pytest.raises(GraphflowError, match=f"GF080.*{place}"):
            run(made, operands, np.zeros(made.tensor.shape))
    labels = node("take", [x, np.array([-1])], negative=False)
    with pytest.raises(GraphflowError, match="position -1"):
        run(labels, [x, np.array([-1])], np.zeros((1, 5)))


def test_what_the_loops_cannot_do_is_left_to_numpy() -> None:
    x = np.arange(12.0).reshape(3, 4)
    for table, indices in (
        (x, np.array([0, 1], np.int32)), (x[:, ::2], np.array([0, 1])),
        (x, np.array([0, 1, 2, 0])[::2]), (x > 1, np.array([0, 1])),
    ):  # fmt: skip
        made = node("take", [table, indices])
        out = np.empty(made.tensor.shape, table.dtype)
        assert gathers.GATHERS["take"](made, (out,), (table, indices)) is None
        NUMBA.kernel(made, (out,), (table, indices))()
        np.testing.assert_array_equal(out, table[indices])
    assert OPS.keys() >= gathers.GATHERS.keys()
