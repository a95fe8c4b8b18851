"""The user's own CSV file as columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from graphflow.data.dataset import Array, Dataset
from graphflow.data.files import decode, read_bytes, user_path
from graphflow.data.options import concerning
from graphflow.data.registry import register
from graphflow.diagnostics import did_you_mean, fail

Cells = list[tuple[int, str]]  # a column as text: each cell with the line it stands on
Rows = list[tuple[int, list[str]]]
DELIMITERS = (",", ";", "\t", "|")


@register("csv")
def csv_file(
    path: str,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    delimiter: Literal[",", ";", "\t", "|", " "] = ",",
    header: bool = True,
    folder: str | Path | None = None,
) -> Dataset:
    """A table from your own CSV file.

    Whole numbers become int64, other numbers float32, words int64 labels in sorted order.
    ``columns`` names what is wanted: ``{y: price, x: [width, height]}``; a list becomes one
    float32 matrix. Without a ``header`` the columns are called column1, column2, ...
    """
    with concerning("path"):
        file = user_path(path, folder)
        rows = _rows(decode(read_bytes(file), path), path, delimiter, header)
        _check_kind(rows, path, delimiter, header, named=_named(columns))
        table = _table(rows, path, header)
    with concerning("path" if columns is None else "columns"):
        wanted = {name: name for name in table} if columns is None else columns
        made = {name: _column(parts, table, path) for name, parts in wanted.items()}
    return Dataset(file.stem, made, f"{file.name}: columns {', '.join(made)}")


def _named(columns: Mapping[str, str | Sequence[str]] | None) -> set[str]:
    """The columns of the file that are asked for by name."""
    parts = (columns or {}).values()
    return {n for part in parts for n in ([part] if isinstance(part, str) else part)}


def _rows(content: str, path: str, delimiter: str, header: bool) -> Rows:
    """The lines of a file, each with its number and its cells."""
    reader = csv.reader(StringIO(content), delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except csv.Error as error:
        fail("GF073", f"'{path}', line {reader.line_num}: {error}")
    if len(rows) <= header:
        fail("GF073", f"'{path}' has no rows")
    return rows


def _check_kind(rows: Rows, path: str, delimiter: str, header: bool, named: set[str]) -> None:
    """Refuse a file that is cut at other characters, or begins with data where names belong.

    Columns that are asked for by name are there, whatever they look like.
    """
    first = rows[0][1]
    if named & set(first):
        return
    others = [d for d in DELIMITERS if d != delimiter and d in first[0]]
    if len(first) == 1 and others:
        shown = others[0].replace("\t", "\\t")
        with concerning("delimiter"):
            fail(
                "GF073",
                f"'{path}' has one column, '{first[0]}': its cells seem to end at '{shown}'",
                help=f'add delimiter: "{shown}"',
            )
    if header and _is_data(first, rows[1][1]):
        with concerning("header"):
            fail(
                "GF073",
                f"'{path}' begins with data, not with names of columns: {', '.join(first)}",
                help="add header: false; the columns are then column1, column2, ...",
            )


def _is_data(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether a line has numbers, and where the next line has them, too."""
    kinds = [_is_number(cell) for cell in first]
    return any(kinds) and kinds == [_is_number(cell) for cell in second]


def _table(rows: Rows, path: str, header: bool) -> dict[str, Cells]:
    """The columns by name, all of one length."""
    first = rows[0][1]
    names = first if header else [f"column{i + 1}" for i in range(len(first))]
    if len(set(names)) < len(names):
        fail("GF073", f"'{path}' has two columns of one name: {', '.join(names)}")
    for line, row in rows:
        if len(row) != len(names):
            fail("GF073", f"'{path}', line {line}: {len(row)} cells, not {len(names)}")
    return {name: [(line, row[i]) for line, row in rows[header:]] for i, name in enumerate(names)}


def _column(parts: str | Sequence[str], table: Mapping[str, Cells], path: str) -> Array:
    """One column of the file, or several side by side as a matrix."""
    for part in [parts] if isinstance(parts, str) else parts:
        if part not in table:
            help = did_you_mean(part, table) or f"its columns are {', '.join(table)}"
            fail("GF071", f"'{path}' has no column '{part}'", help=help)
    if not isinstance(parts, str):
        if not parts:
            fail("GF071", "a matrix needs at least one column")
        matrix = [_numbers(table[part], part, path) for part in parts]
        return np.stack(matrix, axis=1).astype(np.float32)
    cells = table[parts]
    if not any(_is_number(cell) for _, cell in cells):
        return np.unique([cell for _, cell in cells], return_inverse=True)[1].astype(np.int64)
    numbers = _numbers(cells, parts, path)
    whole = all(cell.lstrip("+-").isdecimal() for _, cell in cells)
    exact = whole and bool(np.abs(numbers).max() < 2**53)
    return numbers.astype(np.int64 if exact else np.float32)


def _numbers(cells: Cells, name: str, path: str) -> npt.NDArray[np.float64]:
    for line, cell in cells:
        if not _is_number(cell):
            fail("GF073", f"'{path}', line {line}, column '{name}': '{cell}' is not a number")
    return np.array([float(cell) for _, cell in cells])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
