from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from graphflow.backends.numba_kernels.gemm import arranged
from graphflow.backends.onednn_kernels import products
from graphflow.backends.onednn_kernels.primitives import Description
from graphflow.backends.onednn_kernels.products import product

RNG = np.random.default_rng(0)
TOLERANCE = 2e-6
"""Of the largest element of |x| |y|: rounding of sums in another order."""
SHAPES = [
    ((3, 4), (4, 5)), ((1, 4), (4, 5)), ((3, 1), (1, 5)), ((1, 1), (1, 1)), ((4,), (4, 5)),
    ((40, 50), (50,)), ((2, 6, 1, 10), (2, 6, 10, 1)), ((300, 1), (1, 200)),
    ((2, 4), (3, 4, 5)), ((4,), (2, 4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 6)), ((1, 3, 4), (2, 4, 5)), ((129, 65), (65, 47)),
    ((7, 300), (300, 211)), ((3, 90, 70), (3, 70, 61)), ((2, 65, 129), (129, 193)),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small products, too."""
    monkeypatch.setattr(products, "LARGE", 1)
    monkeypatch.setattr(products, "MATRIX", 1)


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def close(got: np.ndarray, wanted: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    scale = float(np.max(np.abs(x) @ np.abs(y))) + float(np.max(np.abs(wanted)))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE * scale)


def made(x: np.ndarray, y: np.ndarray, out: np.ndarray, **how: object) -> np.ndarray:
    run = product(x, y, out, **how)  # type: ignore[arg-type]
    assert run is not None
    run()
    return out


def laid_out(x: np.ndarray) -> Iterator[np.ndarray]:
    """The same numbers by rows, in a part of a larger array, and by columns."""
    yield x
    wide = np.zeros((*x.shape[:-1], x.shape[-1] + 3), x.dtype)
    wide[..., : x.shape[-1]] = x
    yield wide[..., : x.shape[-1]]
    if x.ndim > 1:
        yield np.matrix_transpose(np.array(np.matrix_transpose(x), order="C"))


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_products_are_those_of_numpy_however_arrays_lie(
    shapes: tuple[tuple[int, ...], ...],
) -> None:
    x, y = (drawn(*shape) for shape in shapes)
    wanted = np.asarray(np.matmul(x, y))
    for a in laid_out(x):
        for b in laid_out(y):
            close(made(a, b, np.full_like(wanted, np.nan)), wanted, x, y)
    for out in laid_out(wanted) if wanted.ndim > 1 else ():
        out[...] = 7
        close(made(x, y, out), wanted, x, y)


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_a_product_is_added_by_a_factor_that_is_read_when_it_runs(
    shapes: tuple[tuple[int, ...], ...],
) -> None:
    x, y = (drawn(*shape) for shape in shapes)
    start = drawn(*np.matmul(x, y).shape)
    for out in laid_out(np.zeros_like(start)):
        out[...] = start
        alpha = np.zeros((), np.float32)
        run = product(x, y, out, alpha=alpha, beta=1.0)
        assert run is not None
        alpha[...] = -0.5
        run()
        close(out, start - np.float32(0.5) * np.matmul(x, y), x, y)


def test_heads_are_read_and_written_in_place() -> None:
    """Attention: (n, t, h, e) seen as (n, h, t, e) on both sides and in the result."""
    q, k = (drawn(3, 9, 4, 8).transpose(0, 2, 1, 3) for _ in range(2))
    scores = made(q, np.matrix_transpose(k), np.empty((3, 4, 9, 9), np.float32))
    close(scores, np.matmul(q, np.matrix_transpose(k)), q, np.matrix_transpose(k))
    mixed = np.empty((3, 9, 4, 8), np.float32).transpose(0, 2, 1, 3)
    close(made(scores, k, mixed), np.matmul(scores, k), scores, k)
    back = np.empty((3, 9, 4, 8), np.float32).transpose(0, 2, 3, 1)
    turned = np.matrix_transpose(q)
    close(made(turned, scores, back), np.matmul(turned, scores), turned, scores)


def test_what_it_cannot_do_well_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, out = drawn(3, 4), drawn(4, 5), np.empty((3, 5), np.float32)
    assert product(x.astype(float), y.astype(float), out.astype(float)) is None
    assert product(drawn(3, 0), drawn(0, 5), out) is None
    assert product(x[:, ::-1], y, out) is None
    assert product(np.broadcast_to(drawn(4), (3, 4)), y, out) is None
    monkeypatch.setattr(products, "LARGE", 3 * 4 * 5 + 1)
    assert product(x, y, out) is None
    monkeypatch.setattr(products, "LARGE", 3 * 4 * 5)
    assert product(x, y, out) is not None
    monkeypatch.setattr(Description, "implementation", "ref:any")
    assert product(x, y, out) is None


def test_batches_of_small_matrices_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "LARGE", 1000)
    x, y, out = drawn(20, 3, 4), drawn(20, 4, 5), np.empty((20, 3, 5), np.float32)
    assert product(x, y, out) is not None
    monkeypatch.setattr(products, "MATRIX", 100)
    assert product(x, y, out) is None
    rows = x.reshape(60, 4)
    merged = arranged(x, y[0], out)
    assert merged is not None and merged[0].shape == rows.shape
    assert product(x, y[0], out) is not None


def test_nan_and_infinity_come_through() -> None:
    x, y = np.ones((20, 30), np.float32), np.ones((30, 40), np.float32)
    x[3, 4], x[5, 6] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        wanted = np.matmul(x, y)
    np.testing.assert_array_equal(made(x, y, np.zeros((20, 40), np.float32)), wanted)


def test_equal_numbers_give_equal_bits() -> None:
    x, y = drawn(300, 200), drawn(200, 130)
    first, second = (made(x, y, np.empty((300, 130), np.float32)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
