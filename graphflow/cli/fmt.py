"""``graphflow fmt``: a file's sections in reading order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphflow.cli.output import FAILED, GOOD

NAME = "fmt"


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The path of a graph file.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 where it would.")
    ] = False,
) -> int:
    """Put the sections of a file in reading order. Comments and all within a section stay as is."""
    from graphflow.files import write_atomically
    from graphflow.spec.ordering import in_order
    from graphflow.spec.yaml12 import read_text

    text = read_text(file)
    ordered = in_order(text, str(file))
    if ordered == text:
        print(f"{file} is in order")
        return GOOD
    if check:
        print(f"{file} is not in order; graphflow fmt {file} puts it so")
        return FAILED
    write_atomically(file, ordered.encode())
    print(f"wrote {file}")
    return GOOD
