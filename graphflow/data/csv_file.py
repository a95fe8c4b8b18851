"""The user's own tables: CSV files in memory or read as batches need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Literal

from graphflow.data.columns import Column, Joined
from graphflow.data.csv_records import (
    MISSING,
    Kind,
    Kinds,
    Layout,
    Records,
    Stream,
    parsed,
    records,
)
from graphflow.data.dataset import Dataset
from graphflow.data.files import decode, read_bytes, user_path
from graphflow.data.options import concerning
from graphflow.data.registry import register
from graphflow.diagnostics import did_you_mean, fail

DELIMITERS = (",", ";", "\t", "|")
Wanted = Mapping[str, str | Sequence[str]]
Cells = dict[str, list[str]]


@register("csv")
def csv_file(
    path: str,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    delimiter: Literal[",", ";", "\t", "|", " "] = ",",
    header: bool = True,
    missing: Sequence[str] = MISSING,
    text: Sequence[str] = (),
    stream: bool = False,
    folder: str | Path | None = None,
) -> Dataset:
    """A table from your own CSV file.

    Whole numbers become int64, other numbers float64. Words stay text, for transforms; fed as they
    are, they become labels in sorted order. ``columns`` names what is wanted:
    ``{y: price, x: [width, height]}``; a list becomes one float64 matrix. Without a ``header`` the
    columns are called column1, column2, ... Cells in ``missing`` are missing: nan among numbers,
    nothing among words. Columns in ``text`` stay text though they look like numbers. With
    ``stream`` the file is read as batches need it, not kept in memory.
    """
    with concerning("path"):
        file = user_path(path, folder)
        layout = Layout(path, delimiter, frozenset(missing))
        opened = None if stream else BytesIO(decode(read_bytes(file), path).encode())
        head = list(islice(records(opened or file, layout), 2))
        if len(head) <= header:
            fail("GF073", f"'{path}' has no rows")
        _check_kind([cells for _, _, cells in head], layout, header, named=_named(columns))
        names = head[0][2] if header else [f"column{i + 1}" for i in range(len(head[0][2]))]
        if len(set(names)) < len(names):
            fail("GF073", f"'{path}' has two columns of one name: {', '.join(names)}")
    with concerning("text"):
        for name in text:
            _place(name, names, path)
    kinds = Kinds(names, frozenset(text), layout)
    with concerning("path"):
        table: Cells | Stream
        if opened is None:
            table = _streamed(file, kinds, header)
        else:
            opened.seek(0)
            table = _in_memory(records(opened, layout), kinds, header)
    with concerning("path" if columns is None else "columns"):
        wanted = {name: name for name in names} if columns is None else columns
        made = _wanted(wanted, table, kinds)
    return Dataset(file.stem, made, f"{file.name}: columns {', '.join(made)}")


def _named(columns: Wanted | None) -> set[str]:
    """The columns of the file that are asked for by name."""
    parts = (columns or {}).values()
    return {n for part in parts for n in ([part] if isinstance(part, str) else part)}


def _check_kind(head: list[list[str]], layout: Layout, header: bool, named: set[str]) -> None:
    """Refuse a file that is cut at other characters, or begins with data where names belong.

    Columns that are asked for by name are there, whatever they look like.
    """
    first = head[0]
    if named & set(first):
        return
    others = [d for d in DELIMITERS if d != layout.delimiter and d in first[0]]
    if len(first) == 1 and others:
        shown = others[0].replace("\t", "\\t")
        with concerning("delimiter"):
            fail(
                "GF073",
                f"'{layout.path}' has one column, '{first[0]}': its cells seem to end at '{shown}'",
                help=f'add delimiter: "{shown}"',
            )
    kinds = [[layout.is_number(cell) for cell in row] for row in head]
    if header and any(kinds[0]) and kinds[0] == kinds[1]:
        with concerning("header"):
            fail(
                "GF073",
                f"'{layout.path}' begins with data, not with names of columns: {', '.join(first)}",
                help="add header: false; the columns are then column1, column2, ...",
            )


def _in_memory(rows: Records, kinds: Kinds, header: bool) -> Cells:
    """The cells of every column."""
    table: Cells = {name: [] for name in kinds.names}
    for line, _, cells in islice(rows, int(header), None):
        kinds.see(line, cells)
        for name, cell in zip(kinds.names, cells, strict=True):
            table[name].append(cell)
    return table


def _streamed(file: Path, kinds: Kinds, header: bool) -> Stream:
    """Where every row begins in the file."""
    stream = Stream(file, kinds.layout)
    for line, start, cells in islice(records(file, kinds.layout), int(header), None):
        kinds.see(line, cells)
        stream.starts.append(start)
    return stream


def _wanted(wanted: Wanted, table: Cells | Stream, kinds: Kinds) -> dict[str, Column]:
    def column(name: str, kind: Kind) -> Column:
        if isinstance(table, Stream):
            return table.column(kinds.names.index(name), kind)
        return parsed(table[name], kind, kinds.layout)

    made = dict[str, Column]()
    for name, parts in wanted.items():
        for part in [parts] if isinstance(parts, str) else parts:
            _place(part, kinds.names, kinds.layout.path)
        if isinstance(parts, str):
            made[name] = column(parts, kinds.kind(parts))
        elif not parts:
            fail("GF071", "a matrix needs at least one column")
        else:
            matrix = Joined([column(part, kinds.number(part)) for part in parts])
            made[name] = matrix if isinstance(table, Stream) else matrix.array()
    return made


def _place(name: str, names: Sequence[str], path: str) -> None:
    if name not in names:
        help = did_you_mean(name, names) or f"its columns are {', '.join(names)}"
        fail("GF071", f"'{path}' has no column '{name}'", help=help)
