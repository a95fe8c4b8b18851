"""What products are computed with, by name; see docs/precision.md."""

from __future__ import annotations

from typing import Literal, get_args

from graphflow.diagnostics import did_you_mean, fail

Precision = Literal["fp32", "tf32", "bf16"]
"""float32; float32 whose products a GPU may make of fewer digits; bfloat16 with float32 behind."""


def precision_named(name: str) -> Precision:
    """The policy of that name. Raises GF033.

    >>> precision_named("bf16")
    'bf16'
    """
    names = get_args(Precision)
    for known in names:
        if name == known:
            return known  # type: ignore[no-any-return]
    fail("GF033", f"there is no precision '{name}'",
         help=did_you_mean(str(name), names) or f"there are {', '.join(names)}")  # fmt: skip
