"""Arrays as cuDNN sees them."""

from __future__ import annotations

from collections.abc import Mapping

from graphflow.backends.described import Refused, Sizes, Tensor

__all__ = ["NUMBERS", "Refused", "Sizes", "Tensor"]

NUMBERS: Mapping[str, str] = {
    "float16": "HALF", "bfloat16": "BFLOAT16", "float32": "FLOAT", "float64": "DOUBLE",
}  # fmt: skip
"""Number types, and what cuDNN calls them."""
