"""oneDNN's convolutions beside the operators' portable forward in float64."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from graphflow.backends.numba_kernels.convolution import WINOGRAD
from graphflow.backends.onednn_kernels import convolution
from graphflow.backends.onednn_kernels.primitives import Description
from graphflow.backends.onednn_kernels.rules import EXACT, ONEDNN
from graphflow.ir.graph import Node
from graphflow.ir.types import DType, TensorType
from graphflow.ops.conv import left_over
from graphflow.ops.op import get_op
from graphflow.ops.windows import Windows
from graphflow.schedule.views import as_ordered

BOUND = 1e-6
"""|error| / |value| in the Euclidean norm over the whole result."""


def drawn(shape: tuple[int, ...], last: bool = False, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(rows, 1, -1)), -1, 1) if last else rows


def computed(op: str, operands, last=False, backend=EXACT, **attrs):
    """The result by a backend, by the portable forward in float64, and who computed it."""
    types = [TensorType(DType(str(x.dtype)), x.shape) for x in operands]
    complete = get_op(op).canonical(types, attrs)
    type = get_op(op).infer(*types, **complete)
    node = Node(op, ("x", "y"), tuple(complete.items()), type, "out")
    out = np.full(type.shape, np.nan, operands[0].dtype)
    out = as_ordered(out, (0, *range(2, out.ndim), 1)) if last else out
    bound = backend.bound(node, (out,), operands)
    bound.run()
    expected = get_op(op).forward(np, *(x.astype(np.float64) for x in operands), **complete)
    return out, expected, bound.by


def three_sides(x, weight, last=False, backend=EXACT, **given):
    """A convolution, its adjoint and its derivative by the weight, of the same window."""
    attrs = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **given}
    y, *rest = computed("conv", (x, weight), last, backend, **attrs)
    yield "conv", y, *rest
    types = [TensorType(DType.FLOAT32, a.shape) for a in (x, weight)]
    full = get_op("conv").canonical(types, attrs)
    windows = Windows(weight.shape[2:], full["stride"], full["padding"], full["dilation"])
    back = {**full, "output_padding": left_over(windows, x.shape[2:], y.shape[2:])}
    g = drawn(y.shape, last, seed=1)
    yield "conv_transpose", *computed("conv_transpose", (g, weight), last, backend, **back)
    full["kernel"] = weight.shape[2:]
    yield "conv_weight_grad", *computed("conv_weight_grad", (x, g), False, backend, **full)


def agree(sides) -> set[str]:
    """That values are those of the definition; what computed them."""
    seen = set()
    for op, found, expected, by in sides:
        error = np.linalg.norm(found - expected) / max(float(np.linalg.norm(expected)), 1e-30)
        assert error < BOUND, (op, by)
        seen.add(by)
    return seen


SHAPES = [
    # x, weight, given
    ((2, 3, 9, 7), (5, 3, 3, 3), {"stride": 2, "padding": 1}),
    ((3, 16, 6, 6), (20, 16, 1, 1), {}),
    ((3, 16, 7, 6), (20, 16, 1, 1), {"stride": 2}),
    ((2, 1, 12, 12), (6, 1, 5, 5), {"padding": 2}),
    ((2, 17, 8, 9), (33, 17, 3, 3), {"padding": 1}),
    ((2, 6, 8, 9), (16, 6, 5, 4), {"padding": ((0, 3), (2, 1))}),
    ((4, 17, 2, 2), (24, 17, 3, 3), {"padding": 1}),
    ((2, 3, 16, 16), (8, 3, 7, 7), {"stride": 2, "padding": 3}),
    ((1, 4, 11, 10), (3, 4, 3, 2), {"stride": (3, 2), "dilation": (2, 3), "padding": (4, 1)}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((1, 5, 3, 3), (4, 5, 3, 3), {}),
    ((2, 16, 9, 9), (16, 16, 3, 3), {"dilation": 2, "padding": 2}),
    ((2, 8, 7, 7), (12, 4, 3, 3), {"groups": 2, "padding": 1}),
    ((2, 24, 7, 5), (24, 1, 3, 3), {"groups": 24, "padding": 1}),
    ((2, 6, 7, 5), (12, 1, 3, 3), {"groups": 6, "stride": 2}),
    ((2, 32, 8, 8), (32, 1, 5, 5), {"groups": 32, "stride": 2, "padding": 2}),
    ((3, 4, 15), (5, 4, 3), {"padding": 1}),
    ((2, 16, 20), (32, 16, 4), {"stride": 3, "padding": ((2, 0),)}),
    ((2, 6, 11), (6, 1, 3), {"groups": 6, "dilation": 3}),
    ((2, 3, 5, 6, 7), (4, 3, 3, 3, 3), {"padding": 1}),
    ((1, 16, 6, 5, 6), (16, 16, 2, 3, 2), {"stride": (2, 1, 2)}),
]


@pytest.mark.parametrize("last", [True, False], ids=["last", "first"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_windows(shape, last):
    x, weight, given = shape
    sides = three_sides(drawn(x, last), drawn(weight, seed=2), last, **given)
    assert all(by.startswith("onednn") for by in agree(sides))


def test_the_reference_implementation_is_not_taken(monkeypatch):
    x, weight = drawn((2, 31, 1, 2), True), drawn((1, 31, 4, 5), seed=2)
    window = {"stride": 2, "padding": ((4, 2), (3, 4))}  # it has nothing else for these as they lie
    seen = agree(three_sides(x, weight, True, **window))
    assert all(by.startswith("onednn") and "ref" not in by for by in seen)
    monkeypatch.setattr(Description, "implementation", "ref:any")
    assert all(by.startswith("numba") for by in agree(three_sides(x, weight, True, **window)))


def test_operands_may_be_parts_of_arrays_and_lie_in_any_order():
    whole = drawn((3, 24, 12, 12), True)
    weight = np.moveaxis(drawn((8, 3, 3, 10), seed=2), -1, 1)
    for part in (whole[:, 5:15], whole[:, 5:15, 1:9, 2:9], whole[::2, 3:23:2, ::2]):
        seen = agree(three_sides(part, weight, True, stride=2, padding=1))
        assert all(by.startswith("onednn") for by in seen)


def test_what_it_cannot_see_is_left_to_others():
    lone = np.broadcast_to(drawn((3, 10, 1, 1)), (3, 10, 5, 5))
    weight = drawn((8, 10, 3, 3), seed=2)
    empty, backward = drawn((0, 10, 5, 5)), drawn((3, 10, 5, 5))[:, :, ::-1]
    for x in (lone, empty, backward):
        found, expected, by = computed("conv", (x, weight), padding=1, **NO_MOVES)
        assert not by.startswith("onednn")
        np.testing.assert_allclose(found, expected, atol=1e-4)
    double = drawn((3, 10, 5, 5)).astype(np.float64)
    _, _, by = computed("conv", (double, weight.astype(np.float64)), padding=1, **NO_MOVES)
    assert by.startswith("numba")


NO_MOVES = {"stride": 1, "dilation": 1, "groups": 1}


def test_windows_that_the_output_padding_adds_are_left_to_others():
    g, weight = drawn((2, 3, 4, 4)), drawn((3, 5, 2, 2), seed=2)
    attrs = {"stride": 1, "padding": 0, "dilation": 2, "groups": 1, "output_padding": 1}
    found, expected, by = computed("conv_transpose", (g, weight), **attrs)
    assert not by.startswith("onednn")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_winograds_algorithm_is_kept_unless_convolutions_are_small_or_exact(monkeypatch):
    x, weight = drawn((2, 16, 8, 8), True), drawn((16, 16, 3, 3), seed=2)
    assert WINOGRAD not in agree(three_sides(x, weight, True, ONEDNN, padding=1))
    monkeypatch.setattr(convolution, "SMALL", 2 * 64 * weight.size - 1)
    for backend, by_winograd in ((ONEDNN, True), (EXACT, False)):
        for op, _, _, by in three_sides(x, weight, True, backend, padding=1):
            assert (by == WINOGRAD) is by_winograd, op


def test_few_pixels_and_many_weights_are_left_to_others():
    x, weight = drawn((4, 256, 2, 2)), drawn((256, 256, 1, 1), seed=2)
    by = {op: by for op, _, _, by in three_sides(x, weight)}
    assert by["conv"].startswith("onednn") and by["conv_weight_grad"].startswith("numba")


def test_results_are_the_same_bit_for_bit():
    x, weight = drawn((4, 32, 9, 9), True), drawn((48, 32, 3, 3), seed=2)
    first, again = ([f for _, f, *_ in three_sides(x, weight, True, stride=2)] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_not_finite_comes_through():
    x, weight = drawn((1, 16, 12, 12)), drawn((16, 16, 3, 3), seed=2)
    x[0, 3, 5, 5], x[0, 3, 9, 9] = np.nan, np.inf
    found, expected, by = computed("conv", (x, weight), padding=1, **NO_MOVES)
    assert by.startswith("onednn")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))


def test_kernels_may_run_in_other_threads_at_once():
    """They take turns at the memory that they share, which grows meanwhile."""
    wrong: list[object] = []

    def work(size: int) -> None:
        for _ in range(5):
            for op, found, expected, by in three_sides(
                drawn((2, size, 9, 9)), drawn((size, size, 3, 3), seed=2), stride=2
            ):
                if np.linalg.norm(found - expected) > BOUND * np.linalg.norm(expected):
                    wrong.append((size, op, by))

    threads = [threading.Thread(target=work, args=(size,)) for size in (3, 16, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
