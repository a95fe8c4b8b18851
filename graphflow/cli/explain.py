"""``graphflow explain``: more about a diagnostic code."""

from __future__ import annotations

from typing import Annotated

import typer

from graphflow.cli.output import GOOD
from graphflow.codes import CODES
from graphflow.diagnostics import did_you_mean, fail

NAME = "explain"


def command(
    code: Annotated[str, typer.Argument(metavar="CODE", help="As errors show it: GF020.")],
) -> int:
    """Explain the code of an error."""
    known = code.upper()
    if known not in CODES:
        close = did_you_mean(known, CODES)
        fail("GF006", f"there is no code '{code}'", help=close or "codes look like GF020")
    title, explanation = CODES[known]
    print(f"{known}: {title}\n\n{explanation}")
    return GOOD
