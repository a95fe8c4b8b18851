"""``graphflow fetch``: download what a source reads before it is needed."""

from __future__ import annotations

from typing import Annotated

import typer

from graphflow.cli.output import GOOD, print_json
from graphflow.cli.source import AsJson
from graphflow.diagnostics import did_you_mean, fail

NAME = "fetch"


def command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Data sources.")],
    as_json: AsJson = False,
) -> int:
    """Download the files of data sources, or say where they are. What broke off goes on."""
    from graphflow.data.files import obtain_file
    from graphflow.data.registry import sources

    known = {name: source.files for name, source in sources().items()}
    published = [name for name, files in known.items() if files]
    for name in names:
        if name not in known:
            fail("GF070", f"there is no data source '{name}'",
                 help=did_you_mean(name, known) or f"one of {', '.join(published)}")  # fmt: skip
    found = {
        name: [str(remote.unpacked() or obtain_file(remote)) for remote in known[name]]
        for name in names
    }
    if as_json:
        print_json(found)
        return GOOD
    for name, places in found.items():
        print("\n".join(f"{name}: {place}" for place in places or ["needs no file"]))
    return GOOD
