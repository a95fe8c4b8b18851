"""Small pieces of expressions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from graphflow.ir.types import DType
from graphflow.ops.op import Array

LARGEST = 2**53
INLINE = 32
"""Elements of an array that is written out in an expression."""


def number(value: object, dtype: DType = DType.FLOAT) -> str:
    """A number as an expression writes it; floats as short as their type allows.

    >>> number(np.float32(0.1)), number(3.0), number(float("-inf")), number(True, DType.BOOL)
    ('0.1', '3.0', '-inf', 'true')
    """
    if dtype is DType.BOOL:
        return "true" if value else "false"
    if not dtype.is_float:
        return str(value)
    given = float(str(value))
    narrow = {DType.FLOAT: np.float32, DType.FLOAT16: np.float16}.get(dtype, np.float64)
    with np.errstate(over="ignore"):
        short = str(narrow(given))
    return short if "inf" not in short else str(given)


def listing(values: Iterable[object]) -> str:
    """``[a, b, c]``.

    >>> listing([1, [2, 3]])
    '[1, [2, 3]]'
    """
    return f"[{', '.join(listing(v) if isinstance(v, list | tuple) else str(v) for v in values)}]"


def constant(array: Array, dtype: DType) -> str | None:
    """A call that gives a small array; None for what is too large to be written out."""
    if not 0 < array.size <= INLINE:
        return f"zeros({listing(array.shape)}, {dtype})" if array.size == 0 else None
    whole = dtype.is_integer and array.dtype != object
    if whole and np.any(np.abs(array.astype(float)) >= LARGEST):
        return None
    return f"constant({_nested(array.tolist(), dtype)}, {dtype})"


def _nested(value: object, dtype: DType) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_nested(row, dtype) for row in value)}]"
    return number(value, dtype)
