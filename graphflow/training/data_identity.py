"""What identifies the data of a run, so that it is not gone on with on other data unawares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from graphflow.data import Dataset, Indices
from graphflow.data.columns import Array, Chosen, Column, chunks
from graphflow.data.images import Decoded
from graphflow.diagnostics import fail
from graphflow.files import write_atomically

DATA = "data.json"
LOOKED_AT = 2**24
"""Bytes of a column that are read at most: of a larger one, rows evenly spaced."""
ROWS = 64
"""Of a column that is read as its rows are needed, so many are looked at."""
TEXT = 2**12
"""Bytes that a text counts as."""


@dataclass(frozen=True)
class DataIdentity:
    """``parts`` has the rows of each part, ``columns`` the number type and the shape of each column
    as the source gives it, ``contents`` a digest of its values: of what is read as it is needed,
    of a few rows. All are empty where nothing is fed.
    """

    parts: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Dataset, parts: Mapping[str, Indices]) -> DataIdentity:
        """What identifies a dataset before transforms, and the parts that it was cut into.

        >>> data = Dataset("tiny", {"x": np.ones((3, 2)), "y": np.arange(3)}, "a sketch")
        >>> found = DataIdentity.of(data, {"train": np.arange(2), "test": np.array([2])})
        >>> found.parts, found.columns
        ({'train': 2, 'test': 1}, {'x': 'float64 [2]', 'y': 'int64 []'})
        """
        columns = dataset.columns
        return cls(
            {name: len(rows) for name, rows in parts.items()},
            {n: f"{c.dtype} {list(c.shape[1:])}" for n, c in columns.items()},
            {name: _digest(column) for name, column in columns.items()},
        )

    def keep(self, folder: Path) -> None:
        """Write it down in a run's folder."""
        if self.parts:
            write_atomically(folder / DATA, json.dumps(asdict(self), indent=2).encode())

    @classmethod
    def kept(cls, folder: Path) -> DataIdentity | None:
        """What :meth:`keep` wrote, None where it wrote nothing. GF064 for anything else."""
        file = folder / DATA
        try:
            return cls(**json.loads(file.read_bytes())) if file.exists() else None
        except (OSError, ValueError, TypeError) as error:
            fail("GF064", f"'{file}' cannot be read: {error}")

    def check(self, folder: Path) -> None:
        """GF064 where the run in a folder was made with other data than these."""
        before = DataIdentity.kept(folder)
        found = [] if before is None else list(before._differences(self))
        if found:
            fail("GF064", f"the data have changed since this run was made: {'; '.join(found)}",
                 help="rows would change parts: put the data back, begin a new run, or say that "
                 f"these are meant: graphflow run FILE --resume {folder}")  # fmt: skip

    def _differences(self, now: DataIdentity) -> Iterator[str]:
        """What is not the same any more, in words."""
        for name in dict.fromkeys([*self.columns, *now.columns]):
            old, new = (c.columns.get(name, "not there") for c in (self, now))
            if old != new:
                yield f"column '{name}' was {old} and is {new}"
        if self.parts != now.parts:
            shown = (", ".join(f"{n} {rows}" for n, rows in c.parts.items()) for c in (self, now))
            yield "rows were {}, and are {}".format(*shown)
        elif self.columns == now.columns:
            other = [n for n, digest in self.contents.items() if digest != now.contents.get(n)]
            if other:
                yield f"other values in {', '.join(other)}"


def _digest(column: Column) -> str:
    """A digest of values: all of them where that is cheap, else those of some rows."""
    width = TEXT if column.dtype.kind == "O" else column.dtype.itemsize
    count = min(len(column), max(1, LOOKED_AT // max(1, width * int(np.prod(column.shape[1:])))))
    if not isinstance(column, np.ndarray):
        count = min(count, ROWS)
    rows = np.linspace(0, max(0, len(column) - 1), count).astype(np.int64)
    found = blake2b(digest_size=8)
    for part in _contents(column, rows):
        found.update(part)
    return found.hexdigest()


def _contents(column: Column, rows: Indices) -> Iterator[bytes]:
    """What rows hold. Of an image in a file, its name and size: decoders differ in their pixels."""
    if isinstance(column, Chosen) and column.rows.ndim == 1:
        yield from _contents(column.base, column.rows[rows])
    elif isinstance(column, Decoded):
        for file in (column.files[row] for row in rows.tolist()):
            yield f"{file.name} {file.stat().st_size}\n".encode()
    else:
        yield from map(_plain, chunks(column, rows))


def _plain(values: Array) -> bytes:
    """Values as bytes. Numbers count as float32: what another processor computes differs in the
    last digits of float64.
    """
    if values.dtype.kind == "O":
        return repr(values.tolist()).encode()
    return values.astype(np.float32).tobytes() if values.dtype.kind == "f" else values.tobytes()
