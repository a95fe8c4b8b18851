"""``graphflow list``: the canned graphs, and what a file may call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from graphflow.cli.output import GOOD, print_json, print_table
from graphflow.cli.source import AsJson
from graphflow.diagnostics import did_you_mean, fail

NAME = "list"
Row = Mapping[str, str | Sequence[str]]
STOP = re.compile(r"(?<!\b[A-Z])(?<!\bal)(?<! )\.(?= [A-Z])")


def command(
    what: Annotated[
        str, typer.Argument(metavar="[WHAT]", help="graphs, operators, layers or data.")
    ] = "graphs",
    as_json: AsJson = False,
) -> int:
    """List the canned graphs, or the operators, layers or data sources that a file may name."""
    if what not in KINDS:
        help = did_you_mean(what, KINDS) or f"one of {', '.join(KINDS)}"
        fail("GF006", f"there is no list of '{what}'", help=help)
    rows = KINDS[what]()
    if as_json:
        print_json(rows)
        return GOOD
    columns = [c for c in rows[0] if c not in ("path", "sources")]
    print_table(columns, [[_text(row[c]) for c in columns] for row in rows])
    if what == "graphs":
        print("each name works where a FILE is asked for; see also: graphflow list "
              f"{' | '.join(kind for kind in KINDS if kind != 'graphs')}")  # fmt: skip
    return GOOD


def _graphs() -> list[Row]:
    from graphflow.gallery import list_graphs

    return [
        {
            "name": entry.name, "topic": entry.topic, "about": sentence(entry.about),
            "path": str(entry.path), "sources": list(entry.sources),
        }
        for entry in list_graphs()
    ]  # fmt: skip


def _operators() -> list[Row]:
    from graphflow.ops import OPS
    from graphflow.ops.op import Op

    def about(op: Op) -> str:
        return sentence(inspect.getdoc(op) or "")

    return [
        {"name": name, "family": op.family, "arguments": list(op.arguments), "about": about(op)}
        for name, op in sorted(OPS.items(), key=lambda item: (item[1].family, item[0]))
        if op.arguments and not op.abstract
    ]


def _layers() -> list[Row]:
    from graphflow.spec.elaborate import library_module

    return [
        {
            "name": name,
            "arguments": [*block.inputs, *(argument.name for argument in block.args)],
            "about": sentence(block.about),
        }
        for name, block in sorted(library_module().blocks.items())
    ]


def _data() -> list[Row]:
    from graphflow.data.registry import sources

    return [
        {
            "name": name, "options": list(source.options), "columns": list(source.columns),
            "about": sentence(source.about),
        }
        for name, source in sorted(sources().items())
    ]  # fmt: skip


KINDS: Mapping[str, Callable[[], list[Row]]] = {
    "graphs": _graphs, "operators": _operators, "layers": _layers, "data": _data,
}  # fmt: skip


def _text(cell: str | Sequence[str]) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)


def sentence(text: str) -> str:
    """The first sentence of a text, on one line. A stop ends it before a capital, unless it stands
    for a product or behind an initial or "al".

    >>> sentence("Two layers. Trained on digits.")
    'Two layers.'
    >>> sentence("The Time Machine by H. G. Wells. A book.")
    'The Time Machine by H. G. Wells.'
    """
    line = " ".join(text.partition("\n\n")[0].split())
    end = STOP.search(line)
    return line[: end.end()] if end else line
