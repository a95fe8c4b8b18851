"""``graphflow expand``: the long form of a file."""

from __future__ import annotations

from graphflow.cli.output import GOOD
from graphflow.cli.source import File, MaxNodes, Sets, assignments, open_model

NAME = "expand"


def command(file: File, sets: Sets = None, max_nodes: MaxNodes = None) -> int:
    """Print the long form: pipelines, repeats and blocks written out. It loads again."""
    print(open_model(file, assignments(sets), max_nodes).expanded(), end="")
    return GOOD
