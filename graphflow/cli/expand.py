"""``graphflow expand``: the long form of a file."""

from __future__ import annotations

from graphflow.cli.output import GOOD
from graphflow.cli.source import File, Sets, assignments, open_model

NAME = "expand"


def command(file: File, sets: Sets = None) -> int:
    """Print the long form: pipelines, repeats and blocks written out. It loads again."""
    print(open_model(file, assignments(sets)).expanded(), end="")
    return GOOD
