"""The primitives, by family. Importing this package registers all of them."""

from graphflow.ops import (  # noqa: F401
    activation,
    adaptive,
    addmm,
    arrange,
    bits,
    compare,
    control,
    conv,
    coordinates,
    core,
    create,
    cumulate,
    derivative,
    discrete,
    elementwise,
    factor,
    fold,
    fused,
    index,
    join,
    linalg,
    matmul,
    order,
    pad,
    pool,
    random,
    rearrange,
    reduce,
    regions,
    scatter,
    search,
    shape,
    slicing,
    special,
    svd,
    trigonometry,
)
from graphflow.ops.builder import Builder, F, Value
from graphflow.ops.op import OPS, Op, Sample, get_op, register

__all__ = ["OPS", "Builder", "F", "Op", "Sample", "Value", "get_op", "register"]
