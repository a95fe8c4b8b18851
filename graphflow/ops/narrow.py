"""bfloat16: float32 without the last 16 bits of its fraction, in 2 bytes.

A number has 8 bits of precision (2 to 3 decimal digits) and the range of float32. It is for keeping
and moving numbers. An operator is computed in float32 and its result is rounded to the nearest
bfloat16, halves to the even one:

    y = round(f(x)),    |round(v) - v| <= 2**-8 |v|

so that a sum of products is added up in float32 and rounded once.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np

from graphflow.ops.op import Array

BFLOAT16: np.dtype[np.generic] = np.dtype(ml_dtypes.bfloat16)
"""NumPy knows it by its name, "bfloat16", from here on."""


def is_narrow(value: Array | tuple[Array, ...]) -> bool:
    """Whether an array, or one of several, holds bfloat16."""
    if isinstance(value, tuple):
        return any(map(is_narrow, value))
    return bool(value.dtype == BFLOAT16)


def largest(dtype: np.dtype[np.generic]) -> float:
    """The largest number of a float type, bfloat16 among them.

    >>> largest(BFLOAT16) < largest(np.dtype("float32")) < 1.01 * largest(BFLOAT16)
    True
    """
    return float(ml_dtypes.finfo(dtype).max)  # type: ignore[no-untyped-call]


def widened(value: Array | tuple[Array, ...]) -> Array | tuple[Array, ...]:
    """Arrays to compute with: bfloat16 as float32, which holds all its numbers; others as they are.

    >>> widened(np.array([1.5], BFLOAT16))
    array([1.5], dtype=float32)
    """
    if isinstance(value, tuple):
        return tuple(part.astype("float32") if is_narrow(part) else part for part in value)
    return value.astype("float32") if is_narrow(value) else value
