"""What computes our side: a kernel set of the processor, or CuPy on a GPU."""

from __future__ import annotations

from typing import Literal

from graphflow.backends.sets import KernelsName, kernels_named

By = KernelsName | Literal["cupy"]


def by_named(name: str) -> By:
    """What is called so. Raises GF033 and GF076 as :func:`kernels_named` does.

    >>> by_named("cupy"), by_named("numpy")
    ('cupy', 'numpy')
    """
    return "cupy" if name == "cupy" else kernels_named(name)
