"""What the command line feeds: numbers, or files that it names."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from graphflow.diagnostics import fail
from graphflow.ops.op import Array


def given_feed(texts: Sequence[str] | None) -> dict[str, Array]:
    """``x=1``, ``x=[[1, 2]]`` or ``x=@file`` as arrays by name.

    >>> given_feed(["x=[1, 2]"])
    {'x': array([1, 2])}
    """
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        name = name.strip()
        array = _from_file(name, Path(value[1:])) if value[:1] == "@" else _from_json(value)
        if not equals or array is None or array.dtype.kind not in "biuf":
            fail("GF006", f"'{text}' feeds no numbers",
                 help="such as --feed x=1, 'x=[[1, 2]]' or x=@file.npy")  # fmt: skip
        found[name] = array
    return found


def _from_json(text: str) -> Array | None:
    """Numbers in nested lists; None where the text is anything else."""
    try:
        return np.array(json.loads(text))
    except ValueError:
        return None


def _from_file(name: str, path: Path) -> Array | None:
    """The array that a file holds: ``.npy``, ``.npz`` (the entry ``name``, or the only one) without
    pickle, or ``.json``.
    """
    if path.suffix not in (".npy", ".npz", ".json"):
        fail("GF006", f"'{path}' is no file to feed from", help="it ends in .npy, .npz or .json")
    try:
        if path.suffix == ".json":
            return _from_json(path.read_text(encoding="utf-8"))
        loaded = np.load(path, allow_pickle=False)
        return _entry(loaded, name, path) if isinstance(loaded, NpzFile) else np.asarray(loaded)
    except (ValueError, EOFError, zipfile.BadZipFile):
        fail("GF006", f"'{path}' cannot be read: it holds no plain arrays of numbers",
             help="save it with numpy.save or numpy.savez, as numbers")  # fmt: skip


def _entry(archive: NpzFile, name: str, path: Path) -> Array:
    """The entry of that name, or the only one."""
    with archive:
        only = archive.files[0] if len(archive.files) == 1 else name
        entry = name if name in archive.files else only
        if entry not in archive.files:
            holds = ", ".join(archive.files) or "nothing"
            fail("GF006", f"'{path}' has no entry '{name}'", help=f"it holds {holds}")
        return np.asarray(archive[entry])
