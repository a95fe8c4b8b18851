"""``graphflow new``: a file to start from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from graphflow.cli.output import GOOD
from graphflow.diagnostics import did_you_mean, fail

NAME = "new"


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The file to write: NAME.yaml.")],
    template: Annotated[str, typer.Option(help="mlp or formulas.")] = "mlp",
) -> int:
    """Write a small commented file to start from. A file that exists is never overwritten."""
    path = Path(name) if Path(name).suffix in (".yaml", ".yml") else Path(f"{name}.yaml")
    text = _template(template).replace("NAME", path.stem)
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


def _template(name: str) -> str:
    folder = files("graphflow.cli") / "templates"
    known = {file.name.removesuffix(".yaml"): file for file in folder.iterdir()}
    if name not in known:
        close = did_you_mean(name, known)
        fail("GF006", f"there is no template '{name}'", help=close or f"one of {', '.join(known)}")
    return known[name].read_text(encoding="utf-8")
