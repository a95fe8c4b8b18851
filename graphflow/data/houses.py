"""House prices in Ames, Iowa (De Cock 2011), as Kaggle's competition divides them."""

from __future__ import annotations

from io import BytesIO
from itertools import islice
from typing import Literal

import numpy as np

from graphflow.data.columns import Column
from graphflow.data.csv_records import MISSING, Kinds, Layout, parsed, records
from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote, decode, obtain
from graphflow.data.registry import register
from graphflow.diagnostics import fail

BOOK = "https://d2l-data.s3-accelerate.amazonaws.com/"
INSTEAD = "source: made_houses, or csv with a table of your own"
HOUSES = {
    "train": Remote(
        "kaggle_house_pred_train.csv", f"{BOOK}kaggle_house_pred_train.csv",
        "sha1:585e9cc93e70b39160e7921475f9bcd7d31219ce", 460_676, INSTEAD,
    ),
    "test": Remote(
        "kaggle_house_pred_test.csv", f"{BOOK}kaggle_house_pred_test.csv",
        "sha1:fa19780a7b011d9b009e8bff8e99922a8ee2eb90", 451_405, INSTEAD,
    ),
}  # fmt: skip
LABEL = "SalePrice"
NAMES = {"1stFlrSF": "FirstFlrSF", "2ndFlrSF": "SecondFlrSF", "3SsnPorch": "ThreeSsnPorch"}
"""Columns whose names in the file begin with a digit, which no name here does."""


@register(
    "house_prices",
    columns={
        "SalePrice": "float32 (N,), in dollars; nan in the test part",
        "MSZoning, ...": "80 more under the names of the file: numbers, or text",
    },
    files=list(HOUSES.values()),
)
def house_prices(part: Literal["train", "test", "both"] = "train") -> Dataset:
    """Houses sold in Ames, Iowa, 2006 to 2010: 79 properties and what was paid (Kaggle).

    1,460 houses with prices (``train``), 1,459 without, which are to be predicted (``test``), or
    both as parts of these names. Columns are as in the files: NA is missing (nan, or no text), and
    transforms do the rest; FirstFlrSF, SecondFlrSF and ThreeSsnPorch begin with a digit there.
    De Cock 2011; Dive into Deep Learning 5.7.
    """
    wanted = ("train", "test") if part == "both" else (part,)
    rows: list[tuple[int, dict[str, str]]] = []
    counts = []
    for name in wanted:
        found = _rows(HOUSES[name])
        rows += found
        counts.append(len(found))
    names = list(dict.fromkeys(column for _, row in rows for column in row))
    layout = Layout("kaggle_house_pred", ",", frozenset(MISSING))
    kinds = Kinds(names, frozenset(), layout)
    table = [[row.get(column, "NA") for column in names] for _, row in rows]
    for (line, _), cells in zip(rows, table, strict=True):
        kinds.see(line, cells)
    columns: dict[str, Column] = {
        NAMES.get(column, column): parsed(
            [cells[i] for cells in table],
            "number" if column == LABEL else kinds.kind(column),
            layout,
        )
        for i, column in enumerate(names)
    }
    places = np.split(np.arange(len(rows)), np.cumsum(counts)[:-1])
    about = f"houses in Ames: {' and '.join(f'{len(p):,}' for p in places)}, {len(names)} columns"
    splits = dict(zip(wanted, places, strict=True)) if part == "both" else None
    return Dataset("house_prices", columns, about, splits=splits)


def _rows(remote: Remote) -> list[tuple[int, dict[str, str]]]:
    """The rows of a file by column, with the line of each."""
    content = decode(obtain(remote), remote.file)
    layout = Layout(remote.file, ",", frozenset(MISSING))
    found = [(line, cells) for line, _, cells in records(BytesIO(content.encode()), layout)]
    if len(found) < 2 or "Id" not in found[0][1]:
        fail("GF073", f"'{remote.file}' is not the table of houses: it has no column 'Id'")
    names = found[0][1]
    for line, cells in found:
        if len(cells) != len(names):
            fail("GF073", f"'{remote.file}', line {line}: {len(cells)} cells, not {len(names)}")
    return [(line, dict(zip(names, cells, strict=True))) for line, cells in islice(found, 1, None)]
