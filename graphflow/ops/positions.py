"""Checks of positions: what they are, that they fit an array, that they lie inside its axes."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.types import DType, TensorType
from graphflow.ops.help import helper, is_wrong
from graphflow.ops.op import Array

WIDE = {DType.INT32, DType.UINT32, DType.INT64, DType.UINT64, DType.FLOAT32, DType.FLOAT64}


def integers(indices: TensorType, op: str) -> None:
    """Refuse positions that are no integers."""
    if not indices.dtype.is_integer:
        fail("GF031", f"the positions of {op} are integers, not {indices.dtype}")


def mismatch(op: str, x: TensorType, indices: TensorType) -> str:
    """What to say of positions of a shape that cannot be used."""
    return f"{op}: positions of shape {list(indices.shape)} do not fit {list(x.shape)}"


def within(x: TensorType, indices: TensorType, axis: int, op: str) -> None:
    """Check that positions have the axes of x, and outside ``axis`` at most their sizes."""
    fits = x.ndim == indices.ndim and all(
        d == axis or n == m or (isinstance(n, int) and isinstance(m, int) and m <= n)
        for d, (n, m) in enumerate(zip(x.shape, indices.shape, strict=True))
    )
    if not fits:
        fail(
            "GF030",
            mismatch(op, x, indices),
            help=f"all sizes but that of axis {axis} must be equal, or smaller",
        )


def combined_at_once(reduce: str, dtype: DType) -> bool:
    """Whether a device adds or compares numbers at places that may be the same, all at once.

    It has such operations for wide number types, adds half precision, and multiplies nothing.
    """
    wide = dtype in WIDE or dtype is DType.FLOAT
    return reduce in ("add", "max", "min") and (wide or (reduce, dtype) == ("add", DType.FLOAT16))


def out_of_range(indices: Array, n: int, negative: bool = True) -> NoReturn:
    """Report the first position that the axis does not have."""
    known = indices.astype(np.int64)
    wrong = int(known[(known < (-n if negative else 0)) | (known >= n)].reshape(-1)[0])
    leave = (
        ""
        if negative or wrong >= 0
        else ("; labels that do not count are for a loss with an ignore_index")
    )
    fail(
        "GF080",
        f"position {wrong} is out of range for an axis of size {n}",
        help="positions (labels, tokens, lengths, indices) count from 0; check the data and the "
        f"size of the axis{leave}",
    )


def check(indices: Array, n: int, negative: bool = True) -> None:
    """Refuse positions that an axis of size n has not; a device would wrap them around."""
    least = -n if negative else 0
    if not indices.size:
        return
    if helper() is not None:
        wide = indices.astype(np.int64, copy=False)
        is_wrong(((wide < least) | (wide >= n)).any())
    elif not (least <= int(indices.min()) and int(indices.max()) < n):
        out_of_range(indices, n, negative)


def counted_up(indices: Array, n: int, negative: bool = True) -> Array:
    """Positions of an axis of size n counted from 0; -1 is the last one, if there are negatives."""
    check(indices, n, negative)
    return indices.astype(np.int64, copy=False) % max(1, n)
