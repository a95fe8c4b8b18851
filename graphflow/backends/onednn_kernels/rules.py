"""Kernels of oneDNN: convolutions and products of matrices in float32.

What has no rule here, or does better without, is computed by Numba's kernels. Both run on the same
pool of threads.
"""

from __future__ import annotations

from graphflow.backends.base import Backend
from graphflow.backends.numba_kernels import EXACT as NUMBA_EXACT
from graphflow.backends.numba_kernels import NUMBA
from graphflow.backends.numba_kernels.products import product_rules
from graphflow.backends.onednn_kernels.convolution import convolutions
from graphflow.backends.onednn_kernels.products import product

ONEDNN = Backend("onednn", NUMBA, {**product_rules(product), **convolutions(exact=False)})
EXACT = Backend("onednn", NUMBA_EXACT, {**product_rules(product), **convolutions(exact=True)})
"""Convolutions without Winograd's algorithm."""
