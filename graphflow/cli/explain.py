"""``graphflow explain``: more about the code of an error, an operator, or a library block."""

from __future__ import annotations

from typing import Annotated

import typer

from graphflow.cli.output import GOOD
from graphflow.codes import CODES
from graphflow.diagnostics import fail

NAME = "explain"


def command(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="A code as errors show it (GF020), or a name.")
    ],
) -> int:
    """Explain the code of an error, an operator, a layer, a loss, an optimizer, ..."""
    if what.upper() in CODES:
        title, explanation = CODES[what.upper()]
        print(f"{what.upper()}: {title}\n\n{explanation}")
        return GOOD
    from graphflow.reference import all_names, markdown, page_of
    from graphflow.spec.elaborate.vocabulary import suggest

    page = page_of(what)
    if page is None:
        close = suggest(what, all_names()) or suggest(what.upper(), CODES)
        fail("GF006", f"there is no code, operator or block '{what}'",
             help=close or "codes look like GF020; graphflow list operators | layers")  # fmt: skip
    print(markdown(page, 1), end="")
    return GOOD
