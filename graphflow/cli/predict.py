"""``graphflow predict``: what a model answers for each sample of a part, as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json, say
from graphflow.cli.source import (
    AsJson,
    Force,
    MaxNodes,
    Sets,
    assignments,
    names_a_run,
    open_model,
)
from graphflow.diagnostics import Mark, did_you_mean, fail

if TYPE_CHECKING:
    from graphflow.data import Dataset, Indices
    from graphflow.figures.gather import Material
    from graphflow.model import Model
    from graphflow.ops.op import Array

NAME = "predict"
Column = tuple[str, Iterable[object]]
"""A heading, and what stands below it."""


def command(
    source: Annotated[
        str, typer.Argument(metavar="RUN_OR_FILE", help="A run's folder, a path, or a name.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE.csv", help="The table to write.")],
    part: Annotated[
        str | None, typer.Option(help="Of the data; else the first that is not trained on.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[HEADING=]NODE", help="What is written, else the outputs. Repeatable."
        ),
    ] = None,
    id: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Of the data, first; else a row's number.")
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Its words stand for classes and head their scores."),
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Of a run: latest or best, else its result.")
    ] = None,
    sets: Sets = None,
    max_nodes: MaxNodes = None,
    force: Force = False,
    as_json: AsJson = False,
) -> int:
    """Write what a model answers for each sample of a part. With --set a run reads other data."""
    from graphflow.data.transforms import Frame
    from graphflow.figures.gather import Material
    from graphflow.interop.formats import must_be_free, write

    must_be_free([out], force)
    material = Material(_opened(source, assignments(sets), checkpoint, max_nodes))
    data, rows = _samples(material, part)
    first: Column = ("row", rows) if id is None else (id, Frame(data).column(id)[rows])
    wanted = [_wanted(text) for text in values or material.model.outputs]
    found = [first, *_answers(material, wanted, part, words)]
    columns = dict(found)
    if len(columns) < len(found):
        fail("GF006", "two columns have one heading", help="such as --values HEADING=NODE")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(zip(*(map(str, column) for column in columns.values()), strict=True))
    write(out, [text.getvalue().encode()], force)
    if as_json:
        print_json({"file": str(out), "rows": len(rows), "columns": list(columns)})
    else:
        print(f"wrote {out}: {len(rows):,} rows")
    return GOOD


def _opened(
    source: str, overrides: Mapping[str, str], checkpoint: str | None, max_nodes: int | None
) -> Model:
    """The model of a file, or of a run with a checkpoint's values, which may read other data."""
    from graphflow.api import at_checkpoint, run_graph
    from graphflow.spec.elaborate.session import NODE_LIMIT
    from graphflow.training.run_folder import RunFolder
    from graphflow.training.run_settings import of_data

    if not names_a_run(source):
        if checkpoint is not None:
            fail("GF006", f"--checkpoint is a run's, and '{source}' is none")
        say(f"note: nothing here is trained; 'graphflow run {source}' writes a run that is")
        return open_model(source, overrides, max_nodes)
    if set(overrides) - set(of_data(overrides)):
        fail("GF006", "a run's graph is as it was trained: --set changes its data alone",
             help="such as --set data.path=FOLDER")  # fmt: skip
    run = RunFolder.open(Path(source))
    settings = run.settings()
    settings = replace(settings, overrides={**settings.overrides, **overrides})
    return at_checkpoint(run_graph(run, settings, max_nodes or NODE_LIMIT), run, checkpoint)


def _wanted(text: str) -> tuple[str, str]:
    """The heading and the node of ``price=dollars``; a node alone is its own heading.

    >>> _wanted("price=dollars"), _wanted("answer")
    (('price', 'dollars'), ('answer', 'answer'))
    """
    heading, _, node = map(str.strip, text.partition("="))
    return heading, node or heading


def _samples(material: Material, part: str | None) -> tuple[Dataset, Indices]:
    """The data, and the rows of a part in the order in which they are evaluated."""
    from graphflow.training.feed import Feed

    feed = material.feed
    if not isinstance(feed, Feed) or feed.dataset.steps is not None:
        fail("GF078", "a table has a row a sample, and this file is not fed samples")
    return feed.dataset, feed.parts[material.part_named(part)]


def _answers(
    material: Material, wanted: Sequence[tuple[str, str]], part: str | None, words: str | None
) -> Iterator[Column]:
    """Headings, and what stands below them."""
    from graphflow.spec.figure_keys import Ref

    graph, (_, rows) = material.model.graph, _samples(material, part)
    for _, name in wanted:
        if name not in graph:
            fail("GF020", f"no node is called '{name}'",
                 help=did_you_mean(name, [*graph.nodes, *graph.aliases]))  # fmt: skip
    refs = [Ref(name, Mark("--values", 1, 1)) for _, name in wanted]
    classes = material.tokenizer(words).tokens if words is not None else ()
    for (heading, name), value in zip(wanted, material.values(refs, part, None), strict=True):
        if not material.of_samples(name) or len(value) != len(rows):
            fail("GF030", f"'{name}' has the shape {list(value.shape)}, not a row for each of "
                 f"{len(rows):,} samples")  # fmt: skip
        yield from _columns(heading, value, classes)


def _columns(heading: str, value: Array, classes: Sequence[str]) -> Iterator[Column]:
    """A number a row is one column, as a word where it counts classes; of anything else each entry
    is one, headed by the word of its class or by its place.
    """
    if value.ndim == 1:
        named = len(classes) > 0 and value.dtype.kind in "iu"
        if named and not set(value.tolist()) <= set(range(len(classes))):
            fail("GF030", f"'{heading}' goes to {value.max()}, and there are {len(classes)} words")
        yield heading, [classes[i] for i in value] if named else value
        return
    entries = value.reshape(len(value), -1).T
    fits = len(entries) == len(classes)
    headings = classes if fits else [f"{heading}_{i}" for i in range(len(entries))]
    yield from zip(headings, entries, strict=True)
