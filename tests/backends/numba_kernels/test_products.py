from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
import pytest

import graphflow as gf
from graphflow.backends.numba_kernels import gemm, narrow
from graphflow.backends.numba_kernels.gemm import product
from graphflow.backends.numba_kernels.products import product_orders
from graphflow.ir import DType, TensorType
from graphflow.ops import Builder
from graphflow.passes import optimise
from graphflow.schedule.plan import make_plan

RNG = np.random.default_rng(0)
TOLERANCE = {"float32": 2e-6, "float64": 4e-15}
"""Of the largest element of |x| |y|: rounding of sums in another order."""
SHAPES = [
    ((3, 4), (4, 5)), ((1, 4), (4, 5)), ((3, 1), (1, 5)), ((3, 4), (4, 1)), ((1, 1), (1, 1)),
    ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 4), (3, 4, 5)), ((4,), (2, 4, 5)),
    ((2, 3, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 6)),
    ((1, 3, 4), (2, 4, 5)), ((2, 1, 4), (2, 4, 5)), ((129, 65), (65, 47)), ((7, 300), (300, 211)),
    ((211, 300), (300, 7)), ((3, 90, 70), (3, 70, 61)), ((17, 40, 33), (17, 33, 35)),
    ((5, 37, 64), (64, 130)), ((700, 900), (900,)), ((33, 200), (200, 301)), ((300, 9), (9, 600)),
    ((2, 65, 129), (129, 193)), ((2, 65, 129), (2, 129, 193)), ((67, 784), (784, 10)),
    ((16, 75), (75, 50)), ((10, 130), (130, 333)), ((32, 300), (300, 41)), ((5, 1), (1, 16)),
    ((5, 1, 100), (5, 100, 60)), ((5, 7, 1, 60), (1, 60, 99)), ((3, 6, 64), (1, 64, 17)),
]  # fmt: skip
"""With few and many rows, on one thread and on several, cut up or not."""
every_shape = pytest.mark.parametrize("shapes", SHAPES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def drawn(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return RNG.normal(size=shape).astype(dtype)


def close(got: np.ndarray, wanted: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    scale = float(np.max(np.abs(x) @ np.abs(y))) + float(np.max(np.abs(wanted)))
    bound = TOLERANCE[got.dtype.name] * scale
    np.testing.assert_allclose(got, wanted, rtol=0, atol=bound)


@pytest.fixture(autouse=True, params=[True, False], ids=["in place", "packed"])
def blas(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products as they are made where BLAS reads matrices where they lie, and where it packs."""
    monkeypatch.setattr(gemm, "reads_in_place", lambda: request.param)
    monkeypatch.setattr(narrow, "reads_in_place", lambda: request.param)


def made(x: np.ndarray, y: np.ndarray, out: np.ndarray, **how: object) -> np.ndarray:
    run = product(x, y, out, **how)  # type: ignore[arg-type]
    assert run is not None
    run()
    return out


def laid_out(x: np.ndarray) -> Iterator[np.ndarray]:
    """The same numbers in a part of a larger array, and by columns."""
    wide = np.zeros((*x.shape[:-1], x.shape[-1] + 3), x.dtype)
    wide[..., : x.shape[-1]] = x
    yield wide[..., : x.shape[-1]]
    if x.ndim > 1:
        yield np.matrix_transpose(np.array(np.matrix_transpose(x), order="C"))


@every_shape
@every_dtype
def test_products_are_those_of_numpy(shapes: tuple[tuple[int, ...], ...], dtype: str) -> None:
    x, y = (drawn(shape, dtype) for shape in shapes)
    wanted = np.matmul(x, y)
    close(made(x, y, np.full_like(wanted, np.nan)), wanted, x, y)


@every_shape
def test_operands_and_results_may_lie_in_any_way_that_blas_takes(
    shapes: tuple[tuple[int, ...], ...],
) -> None:
    x, y = (drawn(shape, "float32") for shape in shapes)
    wanted = np.asarray(np.matmul(x, y))
    for a in laid_out(x):
        for b in laid_out(y):
            close(made(a, b, np.full_like(wanted, 7)), wanted, x, y)
    if wanted.ndim >= 2:
        for out in laid_out(wanted):
            out[...] = 7
            close(made(x, y, out), wanted, x, y)


@every_dtype
@every_shape
def test_a_product_is_added_by_a_factor_that_is_read_when_it_runs(
    shapes: tuple[tuple[int, ...], ...], dtype: str
) -> None:
    x, y = (drawn(shape, dtype) for shape in shapes)
    start = np.asarray(drawn(np.shape(np.matmul(x, y)), dtype))
    out, alpha = start.copy(), np.zeros((), dtype)
    run = product(x, y, out, alpha=alpha, beta=1.0)
    assert run is not None
    alpha[...] = -0.5
    run()
    close(out, start - np.asarray(0.5, dtype) * np.matmul(x, y), x, y)


def test_heads_are_read_and_written_in_place() -> None:
    """Attention: (n, t, h, e) seen as (n, h, t, e) on both sides and in the result."""
    q, k = (drawn((3, 9, 4, 8), "float32").transpose(0, 2, 1, 3) for _ in range(2))
    scores = made(q, np.matrix_transpose(k), np.empty((3, 4, 9, 9), np.float32))
    close(scores, np.matmul(q, np.matrix_transpose(k)), q, np.matrix_transpose(k))
    mixed = np.empty((3, 9, 4, 8), np.float32).transpose(0, 2, 1, 3)
    close(made(scores, k, mixed), np.matmul(scores, k), scores, k)
    back = np.empty((3, 9, 4, 8), np.float32).transpose(0, 2, 3, 1)
    turned = np.matrix_transpose(q)
    close(made(turned, scores, back), np.matmul(turned, scores), turned, scores)


def test_batches_may_lie_backwards() -> None:
    x, y = drawn((4, 1, 100), "float32")[::-1], drawn((4, 100, 30), "float32")[::-1]
    close(made(x, y, np.empty((4, 1, 30), np.float32)[::-1]), np.matmul(x, y), x, y)


def test_what_blas_cannot_do_is_left_alone() -> None:
    x, y, out = np.ones((3, 4)), np.ones((4, 5)), np.empty((3, 5))
    assert product(x.astype(np.float32), y, out) is None
    assert product(x.astype(int), y.astype(int), out.astype(int)) is None
    assert product(np.ones((3, 0)), np.ones((0, 5)), out) is None
    assert product(np.ones((0, 4)), y, np.empty((0, 5))) is None
    assert product(x[:, ::-1], y, out) is None
    assert product(np.broadcast_to(np.ones(4), (3, 4)), y, out) is None
    assert product(np.ones((6, 8))[::2, ::2], y, out) is None


def test_nan_and_infinity_come_through() -> None:
    x, y = np.ones((20, 30), np.float32), np.ones((30, 40), np.float32)
    x[3, 4], x[5, 6] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        wanted = np.matmul(x, y)
    np.testing.assert_array_equal(made(x, y, np.zeros((20, 40), np.float32)), wanted)


@pytest.mark.parametrize("shape", [(300, 200, 130), (300, 784, 10), (10, 256, 784)])
def test_equal_numbers_give_equal_bits(shape: tuple[int, int, int]) -> None:
    rows, depth, columns = shape
    x, y = drawn((rows, depth), "float32"), drawn((columns, depth), "float32").T
    first, second = (made(x, y, np.empty((rows, columns), np.float32)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shapes", [((3, 100, 64), (3, 64, 50)), ((301, 784), (784, 10))], ids=str)
def test_any_number_of_threads(shapes: tuple[tuple[int, ...], ...], threads: int) -> None:
    x, y = (drawn(shape, "float32") for shape in shapes)
    wanted = np.matmul(x, y)
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, before))
    try:
        close(made(x, y, np.empty_like(wanted)), wanted, x, y)
    finally:
        numba.set_num_threads(before)


ATTENTION = """
graphflow: 1
name: Attention
inputs: {x: {shape: [B, T, 12]}}
nodes:
  y: transformer_encoder_layer(x, 3, 10, dropout=0)
  loss: mean(y ** 2)
outputs: [loss]
"""


def test_attention_copies_no_heads() -> None:
    """What changes the order of axes is a view, and the values are those of NumPy's kernels."""
    model = gf.loads(ATTENTION)
    names = list(model.parameters)
    x = RNG.normal(size=(4, 5, 12))
    slow, fast = (
        model.compile(of="loss", wrt=names, mode="train", dtype="float64", kernels=kernels)
        for kernels in ("numpy", "numba")
    )
    wanted, got = slow({"x": x}), fast({"x": x})
    for name in names:
        gradient = wanted.gradients[name]
        np.testing.assert_allclose(got.gradients[name], gradient, rtol=1e-11, atol=1e-13)
    graph = optimise(fast.compiler.concrete({"B": 4, "T": 5}))
    plan = make_plan(graph, orders=product_orders)
    moving = {node.name for node in graph if node.op in ("rearrange", "transpose", "reshape")}
    assert moving <= plan.sources.views


def test_what_is_read_in_two_ways_lies_row_by_row() -> None:
    b = Builder()
    matrix = TensorType(DType.FLOAT32, (3, 3))
    x, y = b.input("x", matrix), b.input("y", matrix)
    both, once = x @ y, y @ x
    turned = both.builder.add("transpose", both, axes=(1, 0)) * both
    graph = b.graph([turned.name, b.add("transpose", once, axes=(1, 0)).name])
    assert product_orders(graph) == {once.name: (1, 0)}
