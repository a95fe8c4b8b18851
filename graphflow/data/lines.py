"""The user's own text files with one sample a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from graphflow.data.columns import Array
from graphflow.data.dataset import Dataset
from graphflow.data.files import decode, read_bytes, user_path
from graphflow.data.options import concerning
from graphflow.data.registry import register
from graphflow.diagnostics import fail


@register("lines")
def lines(
    path: str,
    columns: Sequence[str] = ("text",),
    delimiter: Literal["\t", ",", ";", "|", " "] = "\t",
    folder: str | Path | None = None,
) -> Dataset:
    """A text file of your own, one sample a line.

    ``columns`` names what stands on a line, in order, with ``delimiter`` between: ``[label, text]``
    for classification, ``[english, french]`` for translation; the last takes the rest of the line.
    A column of whole numbers alone is int64, others are text, for tokenize(text). Quotation marks
    are characters like others; empty lines are left out.
    """
    if not columns or len(set(columns)) < len(columns):
        with concerning("columns"):
            fail("GF071", "'columns' names what stands on a line, each once")
    with concerning("path"):
        file = user_path(path, folder)
        rows = [line for line in enumerate(decode(read_bytes(file), path).split("\n"), 1)
                if line[1].strip()]  # fmt: skip
        if not rows:
            fail("GF073", f"'{path}' has no lines")
        cells = [_cells(line, text, columns, delimiter, path) for line, text in rows]
    made = {name: _column([row[i] for row in cells]) for i, name in enumerate(columns)}
    return Dataset(file.stem, made, f"{file.name}: {len(rows):,} lines of {', '.join(columns)}")


def _cells(
    line: int, text: str, columns: Sequence[str], delimiter: str, path: str
) -> list[str]:
    """What stands on a line."""
    cells = [cell.strip() for cell in text.split(delimiter, len(columns) - 1)]
    if len(cells) < len(columns):
        shown = {"\t": "tab"}.get(delimiter, repr(delimiter))
        fail("GF073", f"'{path}', line {line}: {len(cells)} of {len(columns)} parts "
             f"({', '.join(columns)}), with a {shown} between")  # fmt: skip
    return cells


def _column(cells: Sequence[str]) -> Array:
    if all(cell.lstrip("+-").isdecimal() for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    words = np.empty(len(cells), dtype=object)
    words[:] = cells
    return words
