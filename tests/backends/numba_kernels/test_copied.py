"""Copies among compiled kernels, and steps that are walks from end to end."""

from __future__ import annotations

import numpy as np
import pytest

from graphflow.backends.llvm.launch import Walk
from graphflow.backends.numba_kernels.joining import SMALL, copied
from graphflow.ops.op import Array

ROWS = np.arange(600.0).reshape(20, 30)


@pytest.mark.parametrize("source", [
    ROWS, ROWS.astype(np.float32), ROWS.astype(np.int64), ROWS[3], np.array(2.5), ROWS[:0],
    ROWS.T, ROWS[::2], ROWS > 3, ROWS.astype(np.float16), np.ones(SMALL + 1),
])  # fmt: skip
def test_arrays_of_any_kind_are_copied(source: Array) -> None:
    target = np.full(source.shape, 7).astype(source.dtype)
    copied(target, source)()
    assert np.array_equal(target, source)
    turned = np.full(source.shape[::-1], 7).astype(source.dtype).T
    copied(turned, source)()
    assert np.array_equal(turned, source)


def test_what_lies_without_gaps_is_copied_within_a_walk() -> None:
    assert isinstance(copied(np.zeros((20, 30)), ROWS), Walk)
    assert not isinstance(copied(np.zeros((10, 30)), ROWS[::2]), Walk)
