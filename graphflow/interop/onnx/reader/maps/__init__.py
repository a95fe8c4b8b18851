"""What translates each ONNX operator, by family."""

from __future__ import annotations

from graphflow.interop.onnx.reader.maps import (
    control,
    elementwise,
    index,
    linalg,
    nn,
    pool,
    quantized,
    random,
    recurrent,
    reduce,
    resize,
    shape,
    signal,
    training,
    vision,
)
from graphflow.interop.onnx.reader.table import TABLE

__all__ = [
    "TABLE",
    "control",
    "elementwise",
    "index",
    "linalg",
    "nn",
    "pool",
    "quantized",
    "random",
    "recurrent",
    "reduce",
    "resize",
    "shape",
    "signal",
    "training",
    "vision",
]
