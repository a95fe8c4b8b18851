"""Random numbers: keyed by our seeds, so the same run twice gives the same."""

from __future__ import annotations

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.table import maps
from graphflow.interop.onnx.reader.text import listing
from graphflow.ir.types import DType


def _shape(call: Call) -> str:
    if call.op.endswith("Like"):
        return listing(call.shape())
    return listing(call.integers("shape") or [])


def _dtype(call: Call) -> DType:
    like = call.dtype() if call.op.endswith("Like") and call.dtype().is_float else DType.FLOAT
    return call.dtype_attribute("dtype", like)


@maps("RandomNormal", "RandomNormalLike")
def normal(call: Call) -> str:
    """Normal numbers."""
    mean, std = call.real("mean", 0.0), call.real("scale", 1.0)
    return f"normal({_shape(call)}, mean={mean}, std={std}, dtype={_dtype(call)})"


@maps("RandomUniform", "RandomUniformLike")
def uniform(call: Call) -> str:
    """Numbers between two bounds."""
    low, high = call.real("low", 0.0), call.real("high", 1.0)
    return f"uniform({_shape(call)}, low={low}, high={high}, dtype={_dtype(call)})"


@maps("Bernoulli")
def bernoulli(call: Call) -> str:
    """1 with the probability that each element says."""
    dtype = call.dtype_attribute("dtype", call.dtype())
    drawn = f"uniform({listing(call.shape())}, dtype={call.dtype()}) < {call.x()}"
    return f"cast({drawn}, {dtype})"


@maps("Multinomial")
def multinomial(call: Call) -> str:
    """Positions drawn by unnormalised logarithms of probabilities."""
    dtype = call.dtype_attribute("dtype", DType.INT32)
    drawn = f"categorical(softmax({call.x()}, axis=-1), [{call.integer('sample_size', 1)}])"
    return f"cast(transpose({drawn}), {dtype})"
