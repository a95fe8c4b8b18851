from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphflow.ir.types import DType
from graphflow.ops import Builder, F
from graphflow.ops.evaluate import run_node
from graphflow.schedule.views import (
    reshaped_strides,
    row_strides,
    stand_in,
    uniform_stand_in,
    view,
)  # fmt: skip
from tests.schedule.graphs import tensor


def numpy_can_view(x: np.ndarray, shape: tuple[int, ...]) -> bool:
    return x.size == 0 or np.shares_memory(x, x.reshape(shape))


@st.composite
def strided_arrays(draw: st.DrawFn) -> np.ndarray:
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    for axis in range(x.ndim):
        step = draw(st.sampled_from([1, 1, 2, -1]))
        x = x[(slice(None),) * axis + (slice(None, None, step),)]
    if draw(st.booleans()):
        x = np.broadcast_to(x, (2, *x.shape))
    return x


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...]]:
    x = draw(strided_arrays())
    size, wanted = x.size, []
    while size > 1:
        n = draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
        wanted.append(n)
        size //= n
        if len(wanted) > 4:
            break
    return x, (*wanted, size)


@given(reshapes())
def test_a_reshape_is_a_view_where_numpy_says_so(case: tuple[np.ndarray, tuple[int, ...]]) -> None:
    x, shape = case
    strides = reshaped_strides(x.shape, x.strides, shape, x.itemsize)
    assert (strides is not None) == numpy_can_view(x, shape)
    if strides is not None and x.size:
        seen = np.lib.stride_tricks.as_strided(x, shape, strides)
        np.testing.assert_array_equal(seen, x.reshape(shape))


@given(st.lists(st.integers(1, 4), max_size=4))
def test_row_strides_are_those_of_a_fresh_array(shape: list[int]) -> None:
    assert row_strides(shape, 8) == np.empty(shape).strides


def test_a_stand_in_has_strides_but_no_memory() -> None:
    huge = stand_in(tensor(10**6, 10**6))
    assert isinstance(huge, np.ndarray)
    assert huge.shape == (10**6, 10**6) and huge.strides == (8 * 10**6, 8)
    assert uniform_stand_in(tensor(10**6, 10**6)).strides == (0, 0)


VIEWS = {
    "transpose": lambda x: F.transpose(x),
    "slice": lambda x: F.slice(x, index=(("index", 1), ("slice", None, None, -2))),
    "element": lambda x: F.slice(x, index=(("index", 1), ("index", 2))),
    "flip": lambda x: F.flip(x, axis=0),
    "expand": lambda x: F.expand_dims(x, axis=(0, 2)),
    "squeeze": lambda x: F.squeeze(F.expand_dims(x, axis=0)),
    "broadcast": lambda x: F.broadcast_to(x, shape=(3, 4, 6)),
    "reshape": lambda x: F.reshape(x, shape=(2, 12)),
    "rearrange": lambda x: F.rearrange(x, pattern="(a b) c -> b a c", sizes=(("a", 2),)),
    "split": lambda x: F.split(x, sections=3, axis=1),
    "identity": lambda x: F.identity(x),
    "stop_gradient": lambda x: F.stop_gradient(x),
}


@pytest.mark.parametrize("make", VIEWS.values(), ids=list(VIEWS))
def test_view_operators_share_memory_and_agree_with_their_forward(make) -> None:
    b = Builder()
    node = make(b.input("x", tensor(4, 6))).node
    x = np.arange(24.0).reshape(4, 6)
    if node.op == "squeeze":
        x = x[None]
    seen, planned = view(node, x), view(node, np.empty_like(x))
    parts = seen if isinstance(seen, tuple) else (seen,)
    stands = planned if isinstance(planned, tuple) else (planned,)
    result = run_node(node, [x])
    expected = result if isinstance(result, tuple) else (result,)
    for part, stand, wanted in zip(parts, stands, expected, strict=True):
        assert isinstance(part, np.ndarray) and np.shares_memory(part, x)
        assert part.strides == stand.strides
        np.testing.assert_array_equal(part, wanted)


def test_a_reshape_of_a_transposed_array_is_no_view() -> None:
    b = Builder()
    node = F.reshape(F.transpose(b.input("x", tensor(2, 3))), shape=(6,)).node
    assert view(node, np.empty((3, 2), order="F")) is None
    assert view(node, np.empty((3, 2))) is not None


def test_an_operator_that_computes_is_no_view() -> None:
    b = Builder()
    assert view(F.exp(b.input("x", tensor(2, dtype=DType.FLOAT32))).node, np.ones(2)) is None
