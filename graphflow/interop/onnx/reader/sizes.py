"""Arithmetic on shapes whose sizes are still open: ``[B, 3]`` sliced, joined, multiplied.

Only what exporters write around Reshape and Expand: the operators below on arrays that hold
symbols. Everything else that is known is computed by our own operators.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.draft import FOLD_LIMIT
from graphflow.interop.onnx.reader.items import Item, Known
from graphflow.ir.types import DType
from graphflow.ops.op import Array

_INFIX: dict[str, Callable[[Array, Array], Array]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a // b,
}


def sizes_of(call: Call) -> list[Item | None] | None:
    """The result of a node that reads open sizes; None where no such rule fits."""
    arrays = [call.maybe(i) for i in range(call.count)]
    if not any(a is not None and a.dtype == object for a in arrays) or call.op not in _RULES:
        return None
    result = _RULES[call.op](call, [a for a in arrays if a is not None])
    if result is None or result.size > FOLD_LIMIT:
        return None
    return [Known(_settled(result), DType.INT64, call.proto.output[0])]


def _settled(array: Array) -> Array:
    """Back to plain numbers where no symbol is left."""
    plain = all(isinstance(v, int | np.integer) for v in array.reshape(-1).tolist())
    return array.astype(np.int64) if plain else np.asarray(array, object)


def _infix(call: Call, arrays: list[Array]) -> Array | None:
    left, right = (np.asarray(a, object) for a in arrays)
    return np.asarray(_INFIX[call.op](left, right), object)


def _gather(call: Call, arrays: list[Array]) -> Array | None:
    data, indices = arrays
    if indices.dtype == object or np.any(np.abs(indices) > data.shape[0]):
        return None
    return np.asarray(np.take(data, indices, axis=call.integer("axis", 0)), object)


def _slice(call: Call, arrays: list[Array]) -> Array | None:
    bounds = [a.reshape(-1) for a in arrays[1:]]
    if arrays[0].ndim != 1 or any(b.dtype == object or b.size != 1 for b in bounds):
        return None
    start, stop = int(bounds[0][0]), int(bounds[1][0])
    return arrays[0][start : stop : int(bounds[3][0]) if len(bounds) > 3 else 1]


def _concat(call: Call, arrays: list[Array]) -> Array | None:
    return np.concatenate([np.asarray(a, object) for a in arrays])


def _product(call: Call, arrays: list[Array]) -> Array | None:
    total = np.asarray(arrays[0], object).prod()
    shape = (1,) if call.integer("keepdims", 1) else ()
    return np.full(shape, total, object) if arrays[0].ndim == 1 else None


def _squeeze(call: Call, arrays: list[Array]) -> Array | None:
    return arrays[0].reshape(()) if arrays[0].size == 1 else None


def _unsqueeze(call: Call, arrays: list[Array]) -> Array | None:
    return arrays[0].reshape((1,)) if arrays[0].ndim == 0 else None


def _same(call: Call, arrays: list[Array]) -> Array | None:
    return arrays[0]


_RULES: dict[str, Callable[[Call, list[Array]], Array | None]] = {
    **dict.fromkeys(_INFIX, _infix),
    "Gather": _gather, "Slice": _slice, "Concat": _concat, "ReduceProd": _product,
    "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Cast": _same, "Identity": _same,
}  # fmt: skip
