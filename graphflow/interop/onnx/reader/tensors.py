"""Number types and arrays of ONNX files, with bounds on what a file may ask for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from graphflow.diagnostics import fail
from graphflow.ir.types import DType
from graphflow.ops.op import Array

MOST_BYTES = 2**34
"""What one array of a file may hold: 16 GB."""

_P = onnx.TensorProto
DTYPES: dict[int, DType] = {
    _P.FLOAT: DType.FLOAT, _P.DOUBLE: DType.FLOAT64, _P.FLOAT16: DType.FLOAT16,
    _P.BOOL: DType.BOOL, _P.UINT8: DType.UINT8, _P.INT8: DType.INT8, _P.UINT16: DType.UINT16,
    _P.INT16: DType.INT16, _P.UINT32: DType.UINT32, _P.INT32: DType.INT32,
    _P.UINT64: DType.UINT64, _P.INT64: DType.INT64,
}  # fmt: skip
"""ONNX's float is the program's own float type; its double and float16 hold whatever that is."""


def dtype_of(code: int, what: str) -> DType:
    """The number type of an ONNX element type; GF101 for those that there are not here."""
    if code not in DTYPES:
        known = code in _P.DataType.values()
        name = _P.DataType.Name(code).lower() if known else f"number {code}"
        fail("GF101", f"{what} has the ONNX type {name}, which graphflow does not have",
             help=f"its number types are {', '.join(map(str, DTYPES.values()))}")  # fmt: skip
    return DTYPES[code]


def code_of(dtype: DType) -> int:
    """The ONNX element type of a number type."""
    return next(code for code, known in DTYPES.items() if known is dtype or (
        dtype is DType.FLOAT32 and known is DType.FLOAT))  # fmt: skip


def numpy_dtype(dtype: DType) -> np.dtype:
    """What an array of this type is while a model is translated."""
    return np.dtype("float32" if dtype is DType.FLOAT else dtype.value)


def array_of(tensor: onnx.TensorProto, folder: Path | None) -> tuple[Array, DType]:
    """A tensor of a file as an array. GF100 where it is damaged or lies outside the folder."""
    what = f"tensor '{tensor.name}'"
    dtype = dtype_of(tensor.data_type, what)
    if any(d < 0 for d in tensor.dims):
        fail("GF100", f"{what} has a negative size: {list(tensor.dims)}")
    count = 1
    for size in tensor.dims:
        count *= size
    if count * numpy_dtype(dtype).itemsize > MOST_BYTES:
        fail("GF004", f"{what} of the shape {list(tensor.dims)} is larger than 16 GB")
    if tensor.data_location == _P.EXTERNAL:
        return _external(tensor, folder, count, dtype), dtype
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        fail("GF100", f"{what} cannot be read: {error}")
    return array, dtype


def _external(tensor: onnx.TensorProto, folder: Path | None, count: int, dtype: DType) -> Array:
    """A tensor that lies in a file beside the model."""
    what = f"tensor '{tensor.name}'"
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        fail("GF100", f"{what} lies in the file '{location}', but the model has no folder",
             help="give from_onnx the path of the model")  # fmt: skip
    path = (folder / location).resolve()
    if not location or not path.is_relative_to(folder.resolve()):
        fail("GF100", f"{what} lies in '{location}', outside the model's folder")
    if not path.is_file():
        fail("GF100", f"{what} lies in '{location}', which does not exist beside the model")
    kind = numpy_dtype(dtype).newbyteorder("<")
    offset, length = _number(entries, "offset", what), count * kind.itemsize
    given = _number(entries, "length", what) if "length" in entries else length
    if given != length or offset + length > path.stat().st_size:
        fail("GF100", f"{what} needs {length} bytes, which '{location}' does not hold at {offset}")
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(length)
    return np.frombuffer(data, kind).reshape(tuple(tensor.dims)).astype(numpy_dtype(dtype))


def _number(entries: dict[str, str], key: str, what: str) -> int:
    text = entries.get(key, "0")
    if not text.isdecimal():
        fail("GF100", f"{what} has the {key} '{text}' in its file, which is not a number")
    return int(text)
