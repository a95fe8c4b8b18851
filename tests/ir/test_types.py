"""Number types: what two of them become, and how wide they are."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from graphflow.ir import DType, TensorType, from_text, to_text
from graphflow.ir.types import dtype_named, promote
from graphflow.ops import Builder
from graphflow.passes.rules.choice import HOLDS_ALL

FIXED = [d for d in DType if d is not DType.FLOAT]
WHOLE = [d for d in FIXED if not d.is_float]


@pytest.mark.parametrize(("a", "b"), list(product(WHOLE, WHOLE)), ids=str)
def test_integers_meet_as_in_numpy(a: DType, b: DType) -> None:
    expected = np.promote_types(a.value, b.value).name
    if DType.UINT64 in (a, b) and expected == "float64":
        expected = "int64"  # the one departure: positions stay integers
    assert promote(a, b).value == expected


def test_integers_take_the_float_they_meet() -> None:
    for whole, real in product(WHOLE, [d for d in DType if d.is_float]):
        assert promote(whole, real) is promote(real, whole) is real


def test_sizes_are_those_of_numpy() -> None:
    for dtype in FIXED:
        assert dtype.itemsize == np.dtype(dtype.value).itemsize



def test_files_have_a_word_for_every_type_but_bfloat16() -> None:
    words = {dtype: dtype_named(dtype.value) for dtype in FIXED}
    assert words.pop(DType.BFLOAT16) is None
    assert all(found is dtype for dtype, found in words.items())


def test_the_two_halves_meet_in_float32() -> None:
    assert promote(DType.FLOAT16, DType.BFLOAT16) is DType.FLOAT32
    assert promote(DType.BFLOAT16, DType.FLOAT) is DType.FLOAT


def test_types_that_hold_all_numbers_of_another() -> None:
    for narrow, wider in HOLDS_ALL.items():
        for wide in wider - {DType.FLOAT}:
            assert np.can_cast(narrow.value, wide.value, "safe"), (narrow, wide)


@pytest.mark.parametrize("dtype", WHOLE, ids=str)
def test_text_keeps_every_type(dtype: DType) -> None:
    builder = Builder()
    x = builder.input("x", TensorType(dtype, (3,)))
    graph = builder.graph([builder.add("flip", x, name="y").name])
    assert from_text(to_text(graph)) == graph
