"""``graphflow replay``: a walk as one HTML page that needs no server and no network."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json
from graphflow.cli.source import AsJson, File, Of, Sets, Unroll, assignments, names_a_run
from graphflow.diagnostics import did_you_mean, fail

if TYPE_CHECKING:
    from graphflow.view.study import Study

NAME = "replay"


def command(
    file: File,
    sets: Sets = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="PAGE", help="The page, else FILE.html.")
    ] = None,
    of: Of = None,
    unroll: Unroll = None,
    opened: Annotated[
        list[str] | None,
        typer.Option("--open", metavar="GROUP", help="Draw it open, too. Repeatable."),
    ] = None,
    across: Annotated[bool, typer.Option("--across", help="Draw from left to right.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Show the page in a browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write a walk through forward and backward as a page to mail: picture, steps, numbers.

    The page steps and plays, searches, zooms and explains every step with its chain rule, all from
    one file.
    """
    from graphflow.files import write_atomically
    from graphflow.runtime.loops import known_loops
    from graphflow.view.study import Study
    from graphflow.view.workspace import Look, Workspace

    given = tuple(assignments(sets).items())
    trained = names_a_run(file)
    graph, run = ("", file) if trained else (file, "")
    inside = tuple(unroll or ())
    study = Study(Workspace(graph=graph, run=run, overrides=given, of=of or "", unrolled=inside))
    known_loops(inside, [turn.graph for turn in study.recording.turns])
    look = Look(direction="LR" if across else "TB", opened=_opened(study, opened or ()))
    page = out or Path(f"{Path(file).stem}.html")
    if page.is_dir():
        fail("GF006", f"'{page}' is a folder", help=f"name the page: -o {page / 'replay.html'}")
    held = study.replay(look)
    write_atomically(page, held)
    if as_json:
        print_json({"page": str(page), "steps": len(study.steps), "bytes": len(held)})
    else:
        print(f"{len(study.steps):,} steps in {page}, {len(held) / 1e6:.1f} MB")
    if show:
        webbrowser.open(page.resolve().as_uri())
    return GOOD


def _opened(study: Study, more: Sequence[str]) -> tuple[str, ...] | None:
    """The groups that are open at first, and those that are asked for with all around them."""
    from graphflow.view.workspace import Look

    if not more:
        return None
    outline = study.recording.outline
    for name in more:
        if name not in outline.groups:
            fail("GF020", f"no group is called '{name}'", help=did_you_mean(name, outline.groups))
    first = {group.id for group in study.drawing(Look()).groups}
    return tuple(sorted(first.union(*(outline.within(name) for name in more))))
