"""The value of one call on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import graphflow as gf

KINDS = {"f": "float", "i": "int", "b": "bool"}


def file(call: str, arrays: dict[str, np.ndarray]) -> str:
    """A file that feeds the arrays to the call."""
    inputs = "".join(
        f"  {n}: {{shape: {list(a.shape)}, dtype: {KINDS[a.dtype.kind]}}}\n"
        for n, a in arrays.items()
    )
    return f"graphflow: 1\nname: a call\ninputs:\n{inputs}nodes:\n  out: {call}\noutputs: [out]\n"


def evaluated(call: str, **feed: np.ndarray) -> np.ndarray:
    """What the call gives in float64."""
    return gf.loads(file(call, feed)).compile(dtype="float64")(feed).values["out"]


def differentiated(
    call: str, wrt: Sequence[str], **feed: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """A scalar call and its derivatives in float64."""
    program = gf.loads(file(call, feed)).compile(of="out", wrt=list(wrt), dtype="float64")
    result = program(feed)
    return float(result.values["out"]), dict(result.gradients)
