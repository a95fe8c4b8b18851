"""``graphflow list``: the canned graphs, and what a file may call."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json, print_table
from graphflow.cli.source import AsJson
from graphflow.diagnostics import did_you_mean, fail

if TYPE_CHECKING:
    from graphflow.data import Source
    from graphflow.gallery import Entry

NAME = "list"
Row = Mapping[str, str | Sequence[str]]
STOP = re.compile(r"(?<!\b[A-Z])(?<!\bal)(?<! )\.(?= [A-Z])")


def command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[WHAT]",
            help="graphs, a topic (cnn), a section (7.4) or a word (bert) of them, operators, ...",
        ),
    ] = "graphs",
    as_json: AsJson = False,
) -> int:
    """List the canned graphs, those of a topic (backprop, cnn, ...) or of a section of the works
    that they come from (7.4, d2l/7.4, d2l/7, sgugger/recurrent), or those whose name or
    description has a word (bert, translation); or what a file may name:
    operators, data sources (data), published weights, layers, activations, losses, metrics,
    optimizers, schedules, initialisers, distributions, functions, detection, plugins.
    """
    known = kinds()
    rows = known[what]() if what in known else _section(what)
    if what not in known and not rows and not any(kind.startswith(what) for kind in known):
        rows = _mentioning(what)
    if what not in known and not rows:
        other = f"a section, such as 7.4, or one of {', '.join(known)}"
        help = did_you_mean(what, known) or other
        fail("GF006", f"there is no list of '{what}', and no canned graph has this word", help=help)
    if as_json:
        print_json(rows)
        return GOOD
    if not rows:
        print("none are installed")
        return GOOD
    columns = [c for c in rows[0] if c not in ("path", "sources", "titles")]
    print_table(columns, [[_text(row[c]) for c in columns] for row in rows])
    if "topic" in columns:
        print("each name works where a FILE is asked for; see also: graphflow list "
              f"{' | '.join(kind for kind in known if kind != what)}")  # fmt: skip
    return GOOD


def _graphs(topic: str | None = None) -> list[Row]:
    from graphflow.works import learning_order

    return [_graph(entry) for entry in learning_order() if topic in (None, entry.topic)]


def _section(name: str) -> list[Row]:
    from graphflow.works import from_section

    return [_graph(entry) for entry in from_section(name)]


def _mentioning(word: str) -> list[Row]:
    """The graphs in whose name, title or description a word begins so."""
    from graphflow.works import learning_order

    begins = re.compile(rf"(?<![^\W_]){re.escape(word)}", re.IGNORECASE)
    return [
        _graph(entry)
        for entry in learning_order()
        if begins.search(f"{entry.name} {entry.title} {entry.about}")
    ]


def _graph(entry: Entry) -> Row:
    from graphflow.works import title_of

    return {
        "name": entry.name, "topic": entry.topic, "about": sentence(entry.about),
        "path": str(entry.path), "sources": list(entry.sources),
        "titles": [title_of(source) for source in entry.sources],
    }  # fmt: skip


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


def _group(word: str) -> list[Row]:
    """What stands under a word such as losses: library blocks, and operators that belong there."""
    from graphflow.ops import OPS
    from graphflow.reference import call_arguments, names_of
    from graphflow.spec.elaborate import library_module

    blocks = library_module().blocks
    return [
        {
            "name": name, "arguments": call_arguments(name),
            "about": sentence(blocks[name].about if name in blocks
                              else inspect.getdoc(OPS[name]) or ""),
        }
        for name in names_of(word)
    ]  # fmt: skip


def _data() -> list[Row]:
    from graphflow.data.registry import sources

    return [
        {
            "name": name, "options": list(source.options), "columns": list(source.columns),
            "files": _files(source), "about": sentence(source.about),
        }
        for name, source in sorted(sources().items())
    ]  # fmt: skip


def _transforms() -> list[Row]:
    from inspect import getdoc

    from graphflow.data.transforms import TRANSFORMS, arguments

    return [
        {
            "name": name, "arguments": list(arguments(name)),
            "about": sentence((getdoc(kind) or "").replace("``", "")),
        }
        for name, kind in sorted(TRANSFORMS.items())
    ]  # fmt: skip


def _files(source: Source) -> str:
    """Whose files a source reads: how large published ones are, and whether they are here."""
    if not source.files:
        return "yours" if "path" in source.options else "built in"
    return _here([(remote.size, remote.place() is not None) for remote in source.files])


def _here(files: Sequence[tuple[int, bool]]) -> str:
    """How large files are together, and whether they are here."""
    from graphflow.data.download import in_words

    found = sum(here for _, here in files)
    words = "here" if found == len(files) else "some here" if found else "not here"
    return f"{in_words(sum(size for size, _ in files))}, {words}"


def _weights() -> list[Row]:
    from graphflow.data.pretrained import PRETRAINED, converted

    return [
        {
            "name": name, "layer": f"{name.rpartition('/')[2]}()", "from": remote.url,
            "files": _here([(remote.size, bool(converted(name) or remote.place()))]),
        }
        for name, remote in PRETRAINED.items()
    ]  # fmt: skip


def kinds() -> Mapping[str, Callable[[], list[Row]]]:
    """What can be listed, and how its rows are found."""
    from graphflow.gallery import topics
    from graphflow.reference import GROUPS

    groups = {word: partial(_group, word) for word in GROUPS}
    by_topic = {topic: partial(_graphs, topic) for topic in topics()}
    return {
        "graphs": _graphs, "operators": _operators, **groups, "data": _data,
        "transforms": _transforms, "weights": _weights, **by_topic,
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
