"""The user's own arrays in .npy files, read where they lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from graphflow.data.columns import Column, Stored
from graphflow.data.dataset import Dataset
from graphflow.data.files import user_path, user_place
from graphflow.data.options import concerning
from graphflow.data.registry import register
from graphflow.diagnostics import fail

SMALL = 2**24
"""Arrays of so many bytes are kept in memory."""


@register("npy")
def npy(path: str, folder: str | Path | None = None) -> Dataset:
    """Arrays in .npy files of your own, each a column: one file, or all in a folder.

    A column is called like its file. Large arrays are read as batches need them: they may be
    larger than memory. Never unpickled.
    """
    with concerning("path"):
        place = user_place(path, folder)
        files = sorted(place.glob("*.npy")) if place.is_dir() else [user_path(path, folder)]
        if not files:
            fail("GF073", f"there is no .npy file in '{place}'",
                 help="save an array for each column: np.save('x.npy', x)")  # fmt: skip
        inside = None if folder is None else Path(folder).resolve()
        columns = {file.stem: _column(file, inside) for file in files}
    return Dataset(place.stem, columns, f"{place.name}: arrays {', '.join(columns)}")


def _column(file: Path, inside: Path | None) -> Column:
    """The array in a file, mapped; GraphflowError for anything but numbers in rows."""
    if inside is not None and not file.resolve().is_relative_to(inside):
        fail("GF074", f"'{file}' is a link to a file outside of the graph file's folder")
    try:
        array = open_memmap(file, mode="r")
    except (ValueError, OSError, EOFError) as error:
        fail("GF073", f"'{file}' is no .npy file of numbers: {error}",
             help="save it by np.save('x.npy', x); source: npz reads .npz files")  # fmt: skip
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        fail("GF073", f"'{file}' is {array.dtype} {list(array.shape)}: a column holds numbers, "
             "one row a sample")  # fmt: skip
    if array.ndim > 1 and not array.flags.c_contiguous:
        fail("GF073", f"'{file}' is stored column by column: its rows lie scattered",
             help="save it by np.save('x.npy', np.ascontiguousarray(x))")  # fmt: skip
    if array.nbytes <= SMALL:
        return np.array(array)
    return Stored(file, array.shape, array.dtype, int(array.offset))
