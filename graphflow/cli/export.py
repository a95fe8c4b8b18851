"""``graphflow export``: a model in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from graphflow.cli.output import GOOD, print_json
from graphflow.cli.source import (
    AsJson,
    Dtype,
    File,
    Force,
    MaxNodes,
    Sets,
    assignments,
    open_model,
    sizes_given,
)
from graphflow.diagnostics import fail
from graphflow.files import slug
from graphflow.interop.formats import FORMATS, Options, format_named

if TYPE_CHECKING:
    from graphflow.runtime.compile import Mode

NAME = "export"


def command(
    file: File,
    to: Annotated[str, typer.Option(metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")],
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The file to write, else named after FILE.")
    ] = None,
    sets: Sets = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option(metavar="B=4", help="A size that stays open otherwise. Repeatable."),
    ] = None,
    mode: Annotated[str, typer.Option(help="eval or train.")] = "eval",
    training: Annotated[
        bool, typer.Option("--training", help="The training step: forward, backward, update.")
    ] = False,
    player: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose training step; else everyone's.")
    ] = None,
    dtype: Dtype = "float32",
    external_data: Annotated[
        bool, typer.Option("--external-data", help="Weights in a file of their own beside it.")
    ] = False,
    force: Force = False,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Write a model in another program's format. FILE may be a run's folder: its trained values."""
    format = format_named(to)
    if mode not in ("train", "eval"):
        fail("GF006", f"--mode is 'train' or 'eval', not '{mode}'")
    options = Options(
        cast("Mode", mode), training, player, dtype, sizes_given(sizes), external_data, force
    )
    _check_known(to, options, format.options)
    path = out or Path(slug(file) + format.suffix)
    written = format.load()(open_model(file, assignments(sets), max_nodes), path, options)
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        for path in written:
            print(f"wrote {path}")
    return GOOD


def _check_known(to: str, options: Options, known: frozenset[str]) -> None:
    """Refuse options that the format would ignore."""
    unknown = sorted(options.given() - known)
    if unknown:
        fail("GF006", f"--to {to} does not know --{unknown[0].replace('_', '-')}",
             help=f"graphflow export FILE --to {to}")  # fmt: skip
