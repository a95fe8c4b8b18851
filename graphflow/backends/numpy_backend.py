"""Kernels of NumPy. What has no rule runs the operator's portable forward and copies its result."""

from __future__ import annotations

from functools import partial

import numpy as np

from graphflow.backends.base import Backend, Kernel, Operand
from graphflow.backends.numpy_arrays import ARRAYS
from graphflow.backends.numpy_elementwise import ELEMENTWISE
from graphflow.ir.graph import Node
from graphflow.ir.types import TupleType
from graphflow.ops.narrow import is_narrow, widened
from graphflow.ops.op import Array, get_op


def portable(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    """The operator's own forward, its results copied into place; bfloat16 is computed with in
    float32 and rounded.
    """
    compute = partial(get_op(node.op).forward, np, **node.attributes())
    narrow = any(map(is_narrow, inputs))

    def forward() -> Array | tuple[Array, ...]:
        return compute(*(map(widened, inputs) if narrow else inputs))

    if not isinstance(node.type, TupleType):
        (only,) = out

        def single() -> None:
            np.copyto(only, forward(), casting="unsafe")

        return single

    def several() -> None:
        for target, result in zip(out, forward(), strict=True):
            np.copyto(target, result, casting="unsafe")

    return several


NUMPY = Backend("numpy", portable, {**ELEMENTWISE, **ARRAYS})
"""The backend that every other one is compared with."""
