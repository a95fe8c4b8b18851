"""``graphflow runs``: the runs there are, and how two or more of them differ."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json, print_table, say, shown_number
from graphflow.cli.source import AsJson
from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from graphflow.run_entries import Entry

NAME = "runs"
COLUMNS = 3
"""How many metrics a table shows; --json gives all."""


def command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR | RUN RUN...]", help="A folder of runs, or runs to compare."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Best first; or run, started, steps, ...")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List the runs in a folder (runs/), or compare two or more: settings, graphs, metrics."""
    from graphflow.run_entries import entries_in, entry, is_run, sorted_by
    from graphflow.training.run_folder import RunFolder

    given = paths or [Path("runs")]
    if len(given) > 1:
        runs = [entry(path) for path in given]
        return _compared(sorted_by(runs, sort) if sort else runs, as_json)
    (folder,) = given
    single = is_run(folder) and not RunFolder(folder).folds()
    runs = [entry(folder)] if single else entries_in(folder)
    if sort:
        if not runs:
            fail("GF064", f"there are no runs in '{folder}'")
        runs = sorted_by(runs, sort)
    if as_json:
        print_json({"runs": [run.to_json() for run in runs]})
    elif not runs:
        say(f"there are no runs in '{folder}'")
    else:
        _table(runs, sort)
    return GOOD


def _table(runs: Sequence[Entry], sort: str | None) -> None:
    known = dict.fromkeys(name for run in runs for name in run.metrics)
    first = [name for name in known if name == sort]
    evaluated = [name for name in known if not name.startswith("train/")]
    names = list(dict.fromkeys([*first, *evaluated, *known]))[:COLUMNS]
    head = ("run", "started", ">epochs", ">steps", "state", *(f">{n}" for n in names), "best")
    rows = []
    for run in runs:
        values = [shown_number(run.metrics[n]) if n in run.metrics else "" for n in names]
        best = ""
        if run.best is not None:
            metric, value, epoch = run.best
            best = f"{metric} {shown_number(value)}, epoch {epoch}"
        cells = (run.path.name, _when(run.started), str(run.epochs), str(run.steps), run.state)
        rows.append((*cells, *values, best))
    print_table(head, rows)


def _when(stamp: str) -> str:
    """``20260102-030405`` as people write it."""
    if len(stamp) != 15:
        return stamp
    date, time = stamp.split("-")
    return f"{date[:4]}-{date[4:6]}-{date[6:]} {time[:2]}:{time[2:4]}"


def _compared(runs: Sequence[Entry], as_json: bool) -> int:
    from graphflow.run_entries import differing, settings_of

    settings = differing([settings_of(run.about) for run in runs])
    diffs = [_diff(runs[0], run) for run in runs[1:]]
    names = dict.fromkeys(name for run in runs for name in run.metrics)
    if as_json:
        print_json({
            "runs": [run.to_json() for run in runs],
            "settings": settings,
            "graphs": diffs,
            "metrics": {n: [run.metrics.get(n) for run in runs] for n in names},
        })  # fmt: skip
        return GOOD
    head = [run.path.name for run in runs]
    rows = [(name, *(value or "" for value in values)) for name, values in settings.items()]
    for what in ("epochs", "steps", "state"):
        name = what if what == "state" else f"{what} done"
        rows.append((name, *(str(getattr(run, what)) for run in runs)))
    print_table(("setting", *head), rows)
    for run, lines in zip(runs[1:], diffs, strict=True):
        print("\n".join(lines) if lines else f"the graphs of {head[0]} and {run.path.name} agree")
    shown = [
        (n, *(shown_number(r.metrics[n]) if n in r.metrics else "" for r in runs)) for n in names
    ]
    print_table(("metric", *(f">{name}" for name in head)), shown)
    return GOOD


def _diff(one: Entry, other: Entry) -> list[str]:
    """The lines in which two graphs differ, as a unified diff without context."""
    files = [run.path / "graph.yaml" for run in (one, other)]
    a, b = (file.read_text("utf-8").splitlines() for file in files)
    return list(difflib.unified_diff(a, b, str(files[0]), str(files[1]), lineterm="", n=0))
