"""Weights that PyTorch saved (``.pth``), read without unpickling.

``torch.save`` writes a pickle that names tensors, and the numbers apart from it: since version 1.6
as files of a zip archive, before that behind the pickle. Accepted is what a state dict needs, a
mapping of names to tensors on numbers; all else is refused (:mod:`graphflow.data.pickled`).
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from graphflow.data.dataset import Array
from graphflow.data.pickled import Name, Refused, read_pickle
from graphflow.diagnostics import fail

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""What files of the older kind begin with."""
TYPES: Mapping[str, str] = {
    "torch DoubleStorage": "<f8", "torch FloatStorage": "<f4", "torch HalfStorage": "<f2",
    "torch LongStorage": "<i8", "torch IntStorage": "<i4", "torch ShortStorage": "<i2",
    "torch CharStorage": "|i1", "torch ByteStorage": "|u1", "torch BoolStorage": "|b1",
}  # fmt: skip
DAMAGED = (ValueError, TypeError, KeyError, OSError, EOFError, RuntimeError, NotImplementedError,
           OverflowError, struct.error, zipfile.BadZipFile)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers in a row, kept under ``key``."""

    type: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view of numbers: element (i, j, ...) is number offset + i stride_0 + j stride_1 + ..."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch(path: Path) -> dict[str, Array]:
    """The arrays of a state dict by name. GF077 for anything else, and for a damaged file."""
    try:
        if zipfile.is_zipfile(path):
            return _read_zip(path)
        with path.open("rb") as stream:
            return _read_old(path, stream)
    except Refused as error:
        fail("GF077", f"'{path}' is no state dict that PyTorch saved: {error}",
             help="torch.save(model.state_dict(), ...) writes one")  # fmt: skip
    except DAMAGED as error:
        fail("GF077", f"'{path}' is damaged, or no file of PyTorch's: {error}",
             help="delete it to download it again")  # fmt: skip


def _read_zip(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        top = next((n[:-8] for n in archive.namelist() if n.endswith("/data.pkl")), None)
        if top is None:
            raise Refused("the archive has no data.pkl")
        if f"{top}byteorder" in archive.namelist() and archive.read(f"{top}byteorder") != b"little":
            raise Refused("its numbers are big-endian")
        tensors = _tensors(io.BytesIO(archive.read(f"{top}data.pkl")))

        def numbers(storage: Storage) -> Array:
            content = archive.read(f"{top}data/{storage.key}")
            return np.frombuffer(content, TYPES[storage.type], storage.count)

        return _arrays(tensors, {t.storage.key: numbers(t.storage) for t in tensors.values()})


def _read_old(path: Path, stream: IO[bytes]) -> dict[str, Array]:
    if stream.read(2) != b"\x80\x02":
        raise Refused("it does not begin as files of PyTorch do")
    stream.seek(0)
    if read_pickle(stream, {}) != MAGIC or read_pickle(stream, {}) != PROTOCOL:
        raise Refused("it does not begin as files of PyTorch do")
    about = read_pickle(stream, {})
    if not isinstance(about, dict) or not about.get("little_endian"):
        raise Refused("its numbers are big-endian")
    tensors = _tensors(stream)
    storages = {t.storage.key: t.storage for t in tensors.values()}
    keys, found = read_pickle(stream, {}), {}
    for key in keys if isinstance(keys, list) else ():
        (count,) = struct.unpack("<q", stream.read(8))
        storage = storages.get(key)
        if storage is None or storage.count != count:
            raise Refused("its numbers do not fit its tensors")
        type, start = np.dtype(TYPES[storage.type]), stream.tell()
        found[key] = np.memmap(path, type, "r", start, (count,)) if count else np.empty(0, type)
        stream.seek(start + count * type.itemsize)
    return _arrays(tensors, found)


def _tensors(stream: IO[bytes]) -> dict[str, Tensor]:
    """The tensors that a pickle names."""
    found = read_pickle(
        stream,
        {
            "collections OrderedDict": _empty,
            "torch._utils _rebuild_tensor": _tensor,
            "torch._utils _rebuild_tensor_v2": _tensor,
            "torch._utils _rebuild_parameter": _parameter,
        },
        TYPES,
        _storage,
    )
    if not isinstance(found, dict):
        raise Refused("it is no mapping of names to tensors")
    tensors = {str(n): t for n, t in found.items() if isinstance(t, Tensor) and isinstance(n, str)}
    if len(tensors) < len(found):
        raise Refused("it holds more than names and tensors")
    return tensors


def _empty() -> dict[str, object]:
    return {}


def _storage(key: object) -> Storage:
    """``("storage", type, key, device, count)``, and in older files None or a view."""
    match key:
        case ("storage", Name() as type, str() as name, str(), int() as count, *rest):
            if rest in ([], [None]) and type in TYPES and count >= 0:
                return Storage(type, name, count)
    raise Refused("a tensor's numbers are not kept as PyTorch keeps them")


def _tensor(
    storage: object, offset: object, shape: object, strides: object, *rest: object
) -> Tensor:
    """A tensor as a view; whether it had a gradient, and hooks, are passed over."""
    match storage, offset, shape, strides:
        case Storage(), int(), tuple(), tuple() if len(shape) == len(strides):
            numbers = [offset, *shape, *strides]
            last = offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
            if min(numbers) >= 0 and (0 in shape or last < storage.count):
                return Tensor(storage, offset, shape, strides)
    raise Refused("a tensor reaches beyond its numbers")


def _parameter(data: object, *rest: object) -> Tensor:
    if not isinstance(data, Tensor):
        raise Refused("a parameter is no tensor")
    return data


def _arrays(tensors: Mapping[str, Tensor], numbers: Mapping[str, Array]) -> dict[str, Array]:
    """The tensors as arrays; those that lie in a row as views."""
    found = {}
    for name, tensor in tensors.items():
        row = numbers[tensor.storage.key]
        step = row.dtype.itemsize
        rest = row[tensor.offset :] if math.prod(tensor.shape) else row[:0]
        strides = [stride * step for stride in tensor.strides]
        found[name] = np.lib.stride_tricks.as_strided(rest, tensor.shape, strides, writeable=False)
    return found
