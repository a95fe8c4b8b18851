"""``graphflow list``: the canned graphs."""

from __future__ import annotations

from graphflow.cli.output import GOOD, print_json, print_table
from graphflow.cli.source import AsJson

NAME = "list"


def command(as_json: AsJson = False) -> int:
    """List the canned graphs. Each name works wherever a FILE is asked for."""
    from graphflow.gallery import list_graphs

    entries = list_graphs()
    if as_json:
        print_json([
            {"name": e.name, "path": str(e.path), "topic": e.topic, "sources": list(e.sources)}
            for e in entries
        ])  # fmt: skip
    else:
        print_table(
            ("name", "topic", "about"), [(e.name, e.topic, sentence(e.about)) for e in entries]
        )
    return GOOD


def sentence(text: str) -> str:
    """The first sentence of a text, on one line.

    >>> sentence("Two layers. Trained on digits.")
    'Two layers.'
    """
    line = " ".join(text.split())
    end = line.find(". ")
    return line if end < 0 else line[: end + 1]
