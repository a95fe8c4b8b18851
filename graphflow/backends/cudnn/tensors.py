"""Arrays as cuDNN sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Sizes = tuple[int, ...]
NUMBERS: Mapping[str, str] = {
    "float16": "HALF", "bfloat16": "BFLOAT16", "float32": "FLOAT", "float64": "DOUBLE",
}  # fmt: skip
"""Number types, and what cuDNN calls them."""


@dataclass(frozen=True)
class Tensor:
    """An array that cuDNN sees: its number type, its shape, and how many elements apart neighbours
    lie along each axis.
    """

    dtype: str
    shape: Sizes
    strides: Sizes


@dataclass(frozen=True)
class Refused:
    """Why cuDNN does not compute something: what is said of it behind its name."""

    why: str
