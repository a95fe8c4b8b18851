"""Fused loops beside NumPy: shapes, strides, orders of memory, number types, special numbers."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.numba_kernels import NUMBA, fuses
from graphflow.diagnostics import GraphflowError
from graphflow.ops import OPS, F
from graphflow.ops.elementwise import Elementwise, Float
from graphflow.ops.evaluate import run_node
from graphflow.ops.op import Array, Namespace
from graphflow.passes import fuse
from tests.backends.numba_kernels.fused.fusing import inputs, results

RNG = np.random.default_rng(0)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
SHAPES = [(1, 1), (1, 7), (7, 1), (3, 5), (17, 33), (300, 129), (5000, 1), (3, 9000)]
"""One point, one row, one column, few, many rows for several threads, long rows."""
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def drawn(*shape: int, dtype: str = "float32") -> np.ndarray:
    return RNG.normal(size=shape).astype(dtype)


@every_shape
@every_dtype
def test_a_chain_with_a_row_a_column_and_a_number(shape: tuple[int, int], dtype: str) -> None:
    arrays = [drawn(*s, dtype=dtype) for s in (shape, shape[1:], (shape[0], 1), ())]
    x, bias, scale, number = inputs(*arrays)
    results([F.relu((x + bias) * scale - number) * 2 + F.abs(x)], arrays)


@every_shape
@every_dtype
def test_sums_over_rows_and_over_all(shape: tuple[int, int], dtype: str) -> None:
    if 1 in shape:
        return  # there the sums are no reductions, or not of two axes
    arrays = [drawn(*shape, dtype=dtype), drawn(*shape, dtype=dtype)]
    x, y = inputs(*arrays)
    z = x * y + 1
    reduced = [F.sum(z, axis=0), F.mean(z), F.max(z, axis=0), F.min(z), F.mean(z, axis=1)]
    results([z, *reduced], arrays)


@pytest.mark.parametrize("shape", [(8, 3), (40, 129), (700, 64)], ids=str)
@every_dtype
def test_softmax_and_what_normalises_rows(shape: tuple[int, int], dtype: str) -> None:
    arrays = [drawn(*shape, dtype=dtype) * 3, drawn(shape[1], dtype=dtype)]
    x, weight = inputs(*arrays)
    e = F.exp(x - F.max(x, axis=1, keepdims=True))
    p = e / F.sum(e, axis=1, keepdims=True)
    centred = x - F.mean(x, axis=1, keepdims=True)
    spread = F.var(x, axis=1, keepdims=True)
    n = centred / F.sqrt(spread + 1e-5)
    top = F.logsumexp(x, axis=1, keepdims=True)
    results([p, e, n * weight, top, F.sum(p * n, axis=0)], arrays)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (3, 1, 0, 2)], ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (32, 16, 7, 7), (1, 8, 1, 5)], ids=str)
def test_images_in_any_order_of_memory(shape: tuple[int, ...], order: tuple[int, ...]) -> None:
    channels = (shape[1], 1, 1)
    arrays = [np.moveaxis(drawn(shape[0], *shape[2:], shape[1]), -1, 1), drawn(*channels),
              drawn(1, *channels), drawn(*shape)]  # fmt: skip
    x, bias, scale, other = inputs(*arrays)
    z = F.relu((x + bias) * scale) + other
    total = F.sum(z, axis=(0, 2, 3))
    results([z, total, F.mean(z * x, axis=(0, 2, 3), keepdims=True)], arrays, order)


def test_a_result_may_lie_in_the_memory_of_an_operand() -> None:
    arrays = [drawn(400, 70), drawn(400, 70)]
    x, y = inputs(*arrays)
    e = F.exp(x - F.max(x, axis=1, keepdims=True))
    results([e / F.sum(e, axis=1, keepdims=True) * y], arrays, over=0)


def test_the_label_of_a_row_is_found_and_written() -> None:
    arrays = [drawn(50, 11), RNG.integers(0, 11, (50, 1)), drawn(50, 1)]
    x, label, g = inputs(*arrays)
    log_p = x - F.logsumexp(x, axis=1, keepdims=True)
    hit = F.take_along_axis(log_p, label, axis=1, negative=False)
    spread = F.scatter_add_along_axis(g, label, size=11, axis=1)
    results([hit * 2, F.exp(log_p) + spread], arrays)


def test_a_label_outside_the_row_is_the_same_error_as_elsewhere() -> None:
    arrays = [drawn(50, 11), np.full((50, 1), 11)]
    x, label = inputs(*arrays)
    with pytest.raises(GraphflowError) as raised:
        results([F.take_along_axis(F.exp(x), label, axis=1) * 2], arrays)
    assert raised.value.diagnostics[0].code == "GF080"


@pytest.mark.parametrize("row", [0, 2047, 4095])
def test_one_label_outside_is_not_lost_among_threads(row: int) -> None:
    label = np.zeros((4096, 1), np.int64)
    label[row] = 40
    arrays = [drawn(4096, 40), label]
    x, place = inputs(*arrays)
    hit = F.take_along_axis(F.exp(x), place, axis=1, negative=False) * 2
    graph = fuse(x.builder.graph([hit.name]), fuses)
    (node,) = (n for n in graph if n.op == "fused")
    given = {"x0": arrays[0], "x1": label} | {
        n.name: np.asarray(run_node(n, [])) for n in graph if n.op == "constant"
    }
    out = np.empty(node.tensor.shape, np.float32)
    bound = NUMBA.bound(node, (out,), [given[name] for name in node.inputs])
    assert bound.by == "numba"
    for _ in range(50):
        with pytest.raises(GraphflowError):
            bound.run()


def test_arithmetic_is_done_in_the_order_in_which_it_stands() -> None:
    arrays = [drawn(40, 30) / 1e3]
    (x,) = inputs(*arrays)
    shift = 1.5 * 2.0**52
    results([(x + shift) - shift, F.log(1 + x * 1e-8) * x / ((1 + x * 1e-8) - 1)], arrays)


def test_nan_and_infinity_come_through() -> None:
    x = drawn(40, 30)
    x[3, 4], x[5, 6], x[7, 8] = np.nan, np.inf, -np.inf
    arrays = [x, drawn(40, 30)]
    a, b = inputs(*arrays)
    top = F.max(a, axis=1, keepdims=True)
    z = F.maximum(a, b) + F.minimum(a * 2, b)
    results([z, F.where(F.isfinite(a), a - top, b), F.max(z, axis=0), F.sum(z, axis=0)], arrays)


def strided(x: np.ndarray) -> list[np.ndarray]:
    wide = np.zeros((x.shape[0], 2 * x.shape[1]), x.dtype)
    wide[:, ::2] = x
    return [x, np.asfortranarray(x), x[::-1], x[:, ::-1], wide[:, ::2],
            np.broadcast_to(x[:1], x.shape), np.broadcast_to(x[:, :1], x.shape)]  # fmt: skip


@pytest.mark.parametrize("kind", range(7))
def test_operands_may_have_any_strides(kind: int) -> None:
    arrays = [strided(drawn(60, 70))[kind], drawn(60, 70)]
    x, y = inputs(*arrays)
    results([F.tanh(x) * y, F.sum(x + y, axis=0)], arrays)


def test_integers_and_truths() -> None:
    arrays = [RNG.integers(-5, 5, (30, 40)), RNG.integers(0, 2, (30, 40)).astype(bool),
              drawn(30, 40)]  # fmt: skip
    n, t, x = inputs(*arrays)
    chosen = F.where(F.logical_and(t, F.greater(n, n.like(0))), n, -n)
    results([chosen, F.sum(t, axis=0), F.sign(n) * F.abs(n), n.cast(x.dtype) * x], arrays)


RECORDED = (
    "add", "sub", "mul", "div", "maximum", "minimum", "neg", "abs", "sign", "floor", "ceil",
    "trunc", "round", "exp", "expm1", "log", "log1p", "sqrt", "tanh", "sigmoid", "relu", "erf",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_not", "isnan",
    "isinf", "isfinite",
)  # fmt: skip
"""Operators that must not fall out of the loops by a change of their definition."""


@pytest.mark.parametrize("name", RECORDED)
@every_dtype
def test_operators_are_loops_by_their_own_definition(name: str, dtype: str) -> None:
    op = OPS[name]
    assert isinstance(op, Elementwise)
    arrays = [RNG.uniform(*op.domain, (9, 300)).astype(dtype) for _ in op.operands]
    values = inputs(*arrays)
    results([values[0].builder.add(name, *values)], arrays)


def test_a_new_operator_is_fused_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bump(Float):
        """1 / (1 + x^2)."""

        def forward(self, xp: Namespace, x: Array) -> Array:
            return 1 / (1 + x * x)

    monkeypatch.setattr(Bump, "name", "bump")
    monkeypatch.setitem(OPS, "bump", Bump())
    arrays = [drawn(30, 40), drawn(40)]
    x, bias = inputs(*arrays)
    (found,) = results([x.builder.add("bump", x + bias) * 2], arrays)
    np.testing.assert_allclose(found, 2 / (1 + (arrays[0] + arrays[1]) ** 2), rtol=1e-6)


def test_an_operator_that_looks_at_values_is_left_alone() -> None:
    arrays = [drawn(9, 300), drawn(9, 300)]
    x, y = inputs(*arrays)
    graph = fuse(x.builder.graph([F.mod(x, y).name, F.exp(x).name]), fuses)
    assert sorted(n.op for n in graph if n.inputs) == ["fused", "mod"]


ELEMENTWISE = [name for name, op in OPS.items() if isinstance(op, Elementwise)]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_it_is_known_of_every_elementwise_operator_whether_it_has_loops(name: str) -> None:
    tried = 0
    for sample in OPS[name].samples():
        arrays = [
            x if isinstance(x, np.ndarray) else RNG.uniform(*x[1], x[0]) for x in sample.inputs
        ]
        for dtype in (None, "float32"):
            given = [x.astype(dtype) if dtype and x.dtype.kind == "f" else x for x in arrays]
            values = inputs(*given)
            node = values[0].builder.add(name, *values, **sample.attrs).node
            types = [values[0].builder.nodes[n].tensor for n in node.inputs]
            tried += fuses(node, types)
    assert tried or name not in RECORDED


def test_the_same_numbers_come_out_run_after_run() -> None:
    arrays = [drawn(3000, 70), drawn(3000, 70)]

    def once() -> list[np.ndarray]:
        x, y = inputs(*arrays)
        z = F.tanh(x) * y
        return results([z, F.sum(z, axis=0), F.sum(z), F.mean(z, axis=1)], arrays)

    first = once()
    for _ in range(3):
        for got, wanted in zip(once(), first, strict=True):
            np.testing.assert_array_equal(got, wanted)
