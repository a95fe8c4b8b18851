"""Rows of a CSV file: read one by one, judged column by column, found again by their place."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from graphflow.data.columns import Array, Indices
from graphflow.diagnostics import fail

MISSING = ("", "NA", "N/A", "NaN", "nan", "null")
EXACT = 2**53
"""Whole numbers up to here are the same as floats."""

Kind = Literal["whole", "number", "text"]
Record: TypeAlias = tuple[int, int, list[str]]
"""The line on which a row ends, the byte where it begins, its cells."""
Records: TypeAlias = Iterator[Record]


@dataclass(frozen=True)
class Layout:
    """How a file is written."""

    path: str
    delimiter: str
    missing: frozenset[str]

    def is_number(self, cell: str) -> bool:
        """Whether a cell holds a number."""
        if cell in self.missing or "_" in cell:  # Python alone reads 1_000 as a number
            return False
        try:
            float(cell)
        except ValueError:
            return False
        return True


def records(source: BytesIO | Path, layout: Layout) -> Records:
    """The rows of a file, blank lines left out. A quoted cell may go over several lines."""
    file = source if isinstance(source, BytesIO) else source.open("rb")
    place = 0

    def lines() -> Iterator[str]:
        nonlocal place
        for raw in file:
            begin, place = place, place + len(raw)
            try:
                line = raw.decode("utf-8-sig" if begin == 0 else "utf-8")
            except UnicodeDecodeError as error:
                fail("GF073", f"'{layout.path}' is not UTF-8 text (byte {begin + error.start})")
            yield line

    reader = csv.reader(lines(), delimiter=layout.delimiter, strict=True)
    start = 0
    try:
        for row in reader:
            if row:
                yield reader.line_num, start, [cell.strip() for cell in row]
            start = place
    except csv.Error as error:
        fail("GF073", f"'{layout.path}', line {reader.line_num}: {error}")
    finally:
        if isinstance(source, Path):
            file.close()


@dataclass
class Kinds:
    """What the columns of a table hold, judged row by row."""

    names: Sequence[str]
    text: frozenset[str]
    layout: Layout
    numbers: dict[str, int] = field(default_factory=dict)
    words: dict[str, tuple[int, str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    gaps: set[str] = field(default_factory=set)

    def see(self, line: int, cells: Sequence[str]) -> None:
        """Take note of one row. ``numbers`` counts them, ``words`` has the first one with its
        line, ``broken`` names columns with fractions, ``gaps`` those where a cell is missing.
        """
        if len(cells) != len(self.names):
            where = f"'{self.layout.path}', line {line}"
            fail("GF073", f"{where}: {len(cells)} cells, not {len(self.names)}")
        for name, cell in zip(self.names, cells, strict=True):
            if cell in self.layout.missing:
                self.gaps.add(name)
            elif not self.layout.is_number(cell):
                self.words.setdefault(name, (line, cell))
            else:
                self.numbers[name] = self.numbers.get(name, 0) + 1
                if name not in self.broken and not _is_whole(cell):
                    self.broken.add(name)

    def kind(self, name: str) -> Kind:
        """The kind of a column; one of words and numbers is an error."""
        if name in self.text or (name in self.words and name not in self.numbers):
            return "text"
        self.number(name)
        return "number" if name in self.broken | self.gaps else "whole"

    def number(self, name: str) -> Kind:
        """The kind of a column that must hold numbers."""
        if name in self.words:
            line, cell = self.words[name]
            fail("GF073", f"'{self.layout.path}', line {line}, column '{name}': '{cell}' is not "
                 "a number", help=f"missing: [{cell}] says that it stands for no value; "
                 f"text: [{name}] keeps the column as text")  # fmt: skip
        return "number"


def _is_whole(cell: str) -> bool:
    return cell.lstrip("+-").isdecimal() and abs(int(cell)) < EXACT


def parsed(cells: Sequence[str], kind: Kind, layout: Layout) -> Array:
    """Cells of one column as an array."""
    if kind == "whole":
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    if kind == "number":
        gone = layout.missing
        return np.array([float("nan" if c in gone else c) for c in cells], dtype=np.float64)
    words = np.empty(len(cells), dtype=object)
    words[:] = [None if cell in layout.missing else cell for cell in cells]
    return words


@dataclass(eq=False)
class Stream:
    """The rows of a file by the byte where each begins. The rows last read are kept, because the
    columns of a batch ask for the same ones.
    """

    file: Path
    layout: Layout
    starts: array[int] = field(default_factory=lambda: array("q"))
    last: tuple[bytes, list[list[str]]] = (b"", [])

    def column(self, place: int, kind: Kind) -> StreamedColumn:
        """One column."""
        return StreamedColumn(self, place, kind)

    def rows(self, indices: Indices) -> list[list[str]]:
        """The cells of some rows."""
        key = indices.tobytes()
        known, rows = self.last
        if key != known:
            rows = self._read(indices)
            self.last = key, rows
        return rows

    def _read(self, indices: Indices) -> list[list[str]]:
        found = []
        with self.file.open("rb") as file:
            for index in indices.ravel().tolist():
                file.seek(self.starts[index])
                end = self.starts[index + 1] if index + 1 < len(self.starts) else None
                raw = file.read(-1 if end is None else end - self.starts[index])
                found.append(next(records(BytesIO(raw), self.layout))[2])
        return found


@dataclass(frozen=True, eq=False)
class StreamedColumn:
    """A column of a file that is read as its rows are asked for."""

    stream: Stream
    place: int
    kind: Kind

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.stream.starts),)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        types = {"whole": np.int64, "number": np.float64, "text": np.object_}
        return np.dtype(types[self.kind])

    def __len__(self) -> int:
        return len(self.stream.starts)

    def __getitem__(self, indices: Indices, /) -> Array:
        cells = [row[self.place] for row in self.stream.rows(indices)]
        return parsed(cells, self.kind, self.stream.layout).reshape(indices.shape)
