"""``graphflow data``: what a file is fed, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json, print_table, shown_number
from graphflow.cli.source import AsJson, File, MaxNodes, Seed, Sets, assignments, open_model

if TYPE_CHECKING:
    from graphflow.training.overview import Cell, Overview

NAME = "data"
WIDEST = 28
"""Characters of a value that is shown."""


def command(
    file: File,
    sets: Sets = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows of the training part to show.")] = 5,
    seed: Seed = None,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Show what a file is fed: columns after transforms, parts, classes, inputs, first rows.

    Which data there are to write in a file tells ``graphflow list data``.
    """
    from graphflow.training.feed import Feed
    from graphflow.training.overview import overview

    model = open_model(file, assignments(sets), max_nodes)
    training = model.elaborated.training
    own = training.seed if training is not None else 0
    found = overview(Feed(model.elaborated, model.folder, own if seed is None else seed), rows)
    if as_json:
        print_json(asdict(found))
        return GOOD
    print(f"{found.dataset}: {found.about}")
    _print_columns(found)
    _print_parts(found)
    _print_inputs(found)
    _print_rows(found)
    for objection in found.objections:
        print(f"note: {objection}")
    return GOOD


def _print_columns(found: Overview) -> None:
    print_table(
        ("column", "type", "shape", ">least", ">largest", ">missing", "fed"),
        [
            (c.name, c.dtype, _shape(("N", *c.shape[1:])), _number(c.low), _number(c.high),
             f"{c.missing:,}" if c.missing else "", "yes" if c.fed else "")
            for c in found.columns
        ],
    )  # fmt: skip
    print(f"least, largest and missing: of the first {found.looked_at:,} rows that are trained on")


def _print_parts(found: Overview) -> None:
    print_table(
        ("part", ">rows", ">batches", ""),
        [(p.name, f"{p.rows:,}", f"{p.batches:,}", "trained on" if p.trained else "")
         for p in found.parts],
    )  # fmt: skip
    names = [part.name for part in found.parts]
    for column, classes in found.classes.items():
        rows = [(word, *(f"{n[part]:,}" for part in names)) for word, n in classes.items()]
        print_table((column, *(f">{name}" for name in names)), rows)


def _print_inputs(found: Overview) -> None:
    print_table(
        ("input", "type", "shape", ">least", ">largest", ">mean", ">deviation"),
        [
            (i.name, i.dtype, _shape(i.shape), *map(_number, (i.low, i.high, i.mean, i.std)))
            for i in found.inputs
        ],
    )
    print("of the first batch that is trained on")


def _print_rows(found: Overview) -> None:
    """The first rows, a column a line: there may be many columns."""
    if found.rows:
        head = ("column", *(f"row {i}" for i in range(len(found.rows))))
        lines = [(name, *(_shown(row[name]) for row in found.rows)) for name in found.rows[0]]
        print_table(head, lines)


def _shape(shape: Sequence[object]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _number(value: float | None) -> str:
    return "" if value is None else shown_number(value)


def _shown(cell: Cell) -> str:
    """A value in little room."""
    if cell is None:
        return "missing"
    from graphflow.training.overview import FIRST

    if isinstance(cell, list):
        return " ".join(map(shown_number, cell)) + " …" * (len(cell) == FIRST)
    text = cell if isinstance(cell, str) else shown_number(cell)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
