"""Arrays in .npz files: their shapes and number types from the headers, the numbers when they are
asked for, never a Python object.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format

from graphflow.diagnostics import fail

LARGEST = 2**31
"""Bytes that the compressed arrays of a file may unpack to."""
_HEADERS = {(1, 0): format.read_array_header_1_0, (2, 0): format.read_array_header_2_0}
_DAMAGED = (ValueError, OSError, EOFError, MemoryError, RuntimeError, NotImplementedError,
            zipfile.BadZipFile, zlib.error)  # fmt: skip
"""What zipfile and NumPy raise for archives that are altered, encrypted or none."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An array of a file, not read yet: ``numpy.asarray`` reads it (GF073)."""

    file: Path
    entry: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    nbytes: int
    """What it takes in memory."""
    stored: int
    """What it takes in the file."""

    def __array__(
        self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        with (
            _readable(self.file, self.entry),
            zipfile.ZipFile(self.file) as archive,
            archive.open(self.entry) as stream,
        ):
            array = np.asarray(format.read_array(stream, allow_pickle=False))
        return array if dtype is None else array.astype(dtype)


def packed(file: Path) -> dict[str, Packed]:
    """The arrays of an .npz file by name. GF073 for anything but numbers, for arrays that are cut
    short, and for compressed ones that unpack to more than :data:`LARGEST` bytes.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "data.npz"
    >>> np.savez_compressed(file, x=np.zeros((2, 3)))
    >>> packed(file)["x"].shape, np.asarray(packed(file)["x"]).sum()
    ((2, 3), np.float64(0.0))
    """
    with _readable(file), zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        found = {e.filename.removesuffix(".npy"): _header(file, archive, e) for e in entries}
    unpacked = sum(array.nbytes for array in found.values() if array.stored < array.nbytes)
    if unpacked > LARGEST:
        fail("GF073", f"'{file}' unpacks to {unpacked:,} bytes, more than {LARGEST:,}",
             help="save it without compression: np.savez")  # fmt: skip
    return found


def _header(file: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Packed:
    """What an array's header says, held against the size of its entry."""
    with _readable(file, entry.filename), archive.open(entry) as stream:
        version = format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"the array's format is {version}")
        shape, _, dtype = _HEADERS[version](stream)
        there = entry.file_size - stream.tell()
    if dtype.hasobject:
        fail("GF073", f"array '{entry.filename}' in '{file}' holds Python objects, no plain arrays "
             "of numbers", help="save numbers by np.savez: x=np.array(x, float)")  # fmt: skip
    nbytes = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or nbytes != there:
        fail("GF073", f"array '{entry.filename}' in '{file}' should be {dtype} {list(shape)}, "
             f"{nbytes:,} bytes, but {there:,} are there",
             help="the file is damaged: save it again by np.savez")  # fmt: skip
    return Packed(file, entry.filename, tuple(shape), dtype, nbytes, entry.compress_size)


@contextmanager
def _readable(file: Path, entry: str | None = None) -> Iterator[None]:
    """What the readers find wrong, as a diagnostic."""
    try:
        yield
    except _DAMAGED:
        what = f"'{file}'" if entry is None else f"array '{entry}' in '{file}'"
        fail("GF073", f"{what} is damaged, or holds other things than plain arrays of numbers",
             help="save arrays of numbers by np.savez('data.npz', x=x, y=y)")  # fmt: skip
