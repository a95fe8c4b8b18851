"""``graphflow new``: a file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphflow.cli.output import GOOD
from graphflow.diagnostics import fail

NAME = "new"


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The file to write: NAME.yaml.")],
    kind: Annotated[str, typer.Option("--template", help="mlp or formulas.")] = "mlp",
) -> int:
    """Write a small commented file to start from, and the folder for it. A file that exists is
    never overwritten.
    """
    from graphflow.gallery import template

    path = Path(name) if Path(name).suffix in (".yaml", ".yml") else Path(f"{name}.yaml")
    text = template(kind, path.stem)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("GF007", f"the folder '{path.parent}' cannot be made: {error.strerror}")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail("GF007", f"'{path}' exists already", help="choose another name")
    except OSError as error:
        fail("GF007", f"'{path}' cannot be written: {error.strerror}")
    action = "run" if "\ntrain:" in text else "check"
    print(f"wrote {path}; now: graphflow {action} {path}")
    return GOOD
