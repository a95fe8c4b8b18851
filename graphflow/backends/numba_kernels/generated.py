"""What the source of generated loops sees: everything that it is written in."""

import numpy as np
from numba import cfunc

from graphflow.backends.numba_kernels.functions import (
    exp32,
    exp64,
    expm132,
    expm164,
    log1p32,
    log1p64,
    log32,
    log64,
    tanh32,
    tanh64,
)
from graphflow.backends.numba_kernels.memory import (
    ceil,
    floor,
    maximum,
    minimum,
    read,
    rint,
    root,
    size,
    trunc,
    write,
)

INF = np.inf
loops = cfunc(
    "void(int64, int64, int64)",
    cache=True,
    error_model="numpy",
    fastmath={"reassoc", "contract", "nsz", "arcp"},
)
"""Compiles a function of a table of addresses, one of sizes, and the number of a part."""

__all__ = [
    "INF", "ceil", "exp32", "exp64", "expm132", "expm164", "floor", "log1p32", "log1p64", "log32",
    "log64", "loops", "maximum", "minimum", "np", "read", "rint", "root", "size", "tanh32",
    "tanh64", "trunc", "write",
]  # fmt: skip
