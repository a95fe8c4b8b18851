"""``graphflow tune``: search hyperparameters, go on with a search, look at searches."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import FAILED, GOOD, STOPPED, print_json, print_table, say, shown_number
from graphflow.cli.source import AsJson, Dtype, OptionalFile, Sets, assignments
from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from graphflow.tuning import Search, Trial, Tuned
    from graphflow.tuning.results import Best

NAME = "tune"


def command(
    file: OptionalFile = None,
    sets: Sets = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Configurations, in all.")] = None,
    time: Annotated[float | None, typer.Option(min=0.0, help="Seconds, in all.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Trials at one time.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the configurations.")] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="auto|HOST:PORT", help="The Ray cluster that trials train in."),
    ] = None,
    dtype: Dtype = "float32",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The search's folder, else tunes/NAME-TIME.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Go on with the search in this folder.")
    ] = None,
    show: Annotated[
        list[Path] | None,
        typer.Option("--show", metavar="DIR", help="Look at a search; several are compared."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Search the hyperparameters of a file's tune: section. Ctrl-C stops, saves, can be resumed."""
    from graphflow.cli.searching import searching
    from graphflow.tuning import Limits, begun, resumed

    if show:
        return _shown(show, out, as_json)
    if (file is None) == (resume is None):
        fail("GF006", "a search needs either FILE or --resume DIR",
             help="graphflow tune FILE, graphflow tune --resume DIR")  # fmt: skip
    if resume is not None and (sets or out is not None):
        fail("GF006", "a search that is resumed keeps its folder and its overrides",
             help="leave out --set and --out, or begin a new search")  # fmt: skip
    limits = Limits(trials, time, workers, seed)
    with searching() as listener:
        if resume is not None:
            search = resumed(resume, limits, listener, address)
        else:
            search = begun(file or "", assignments(sets), limits, out, dtype, listener, address)
        tuned = search.run()
    return _told(file or search.setting.file, search, tuned, as_json)


def _told(file: str, search: Search, tuned: Tuned, as_json: bool) -> int:
    """Write the report and print what came out; the exit code for it."""
    from graphflow.tuning.figures import write_report

    write_report([tuned.folder], tuned.folder / "report.html")
    line = run_line(file, search, tuned)
    if as_json:
        print_json(_json(tuned) | {"command": line})
    else:
        _print_trials(tuned.trials, tuned.metric, tuned.maximise)
        failed = sum(trial.state == "failed" for trial in tuned.trials)
        told = f"{len(tuned.trials)} trials" + (f", {failed} failed" if failed else "")
        files = "report.html" if tuned.best is None else "best.json, report.html"
        print(f"{told}, {tuned.seconds:.1f} s; saved in {tuned.folder} ({files})")
    if not as_json and tuned.value is not None:
        after = "" if search.plan.scheduler.whole else f" after {tuned.epoch} epochs"
        print(f"best: {tuned.metric} {shown_number(tuned.value)}{after}, {tuned.run}\n{line}")
    if tuned.interrupted:
        say(f"stopped; go on with graphflow tune --resume {shlex.quote(str(tuned.folder))}")
        return STOPPED
    if tuned.best is None:
        reasons = [trial.message for trial in tuned.trials if trial.message]
        say("no trial came to a metric" + (f": {reasons[-1]}" if reasons else ""))
        return FAILED
    return GOOD


def run_line(file: str, search: Search, tuned: Tuned) -> str | None:
    """The command that trains the best configuration as it was trained."""
    from graphflow.spec.overrides import written

    if tuned.best is None:
        return None
    parts = ["graphflow", "run", file]
    for name, value in tuned.best.items():
        parts += ["--set", f"{name}={written(value)}"]
    if not search.plan.scheduler.whole:
        parts += ["--epochs", str(tuned.epoch)]
    return shlex.join(parts)


def _json(tuned: Tuned) -> dict[str, object]:
    return {
        "tune": str(tuned.folder), "metric": tuned.metric, "best": tuned.best,
        "value": tuned.value, "epoch": tuned.epoch,
        "run": None if tuned.run is None else str(tuned.run),
        "trials": [_row(trial, tuned.maximise) for trial in tuned.trials],
        "seconds": tuned.seconds, "interrupted": tuned.interrupted,
    }  # fmt: skip


def _row(trial: Trial, maximise: bool) -> dict[str, object]:
    best = trial.best(maximise)
    return {
        "trial": trial.number, "configuration": dict(trial.configuration), "state": trial.state,
        "epochs": trial.epoch, "value": best and best[0], "message": trial.message,
    }  # fmt: skip


def _print_trials(trials: Sequence[Trial], metric: str, maximise: bool) -> None:
    """The trials, the best first."""
    from graphflow.tuning.results import ranked, shown

    rows = []
    for trial in ranked(trials, maximise):
        best = trial.best(maximise)
        rows.append((
            str(trial.number), shown(trial.configuration), str(trial.epoch),
            *(("", "") if best is None else (shown_number(best[0]), str(best[1]))),
            f"{trial.state}: {trial.message}" if trial.state == "failed" else trial.state,
        ))  # fmt: skip
    print_table((">trial", "configuration", ">epochs", f">{metric}", ">at epoch", "state"), rows)


def _shown(paths: Sequence[Path], out: Path | None, as_json: bool) -> int:
    """Look at searches that are kept in folders, and draw them in one page where it is asked."""
    from graphflow.tuning.results import Kept

    searches = [Kept.of(path) for path in paths]
    rows = []
    for path, kept in zip(paths, searches, strict=True):
        best = kept.best
        rows.append({
            "tune": str(path), "scheduler": kept.asked.scheduler, "sampler": kept.asked.sampler,
            "trials": len(kept.trials), "seconds": kept.seconds(), "metric": kept.asked.metric,
            "value": best and best.value, "trial": best and best.trial.number,
            "best": best and dict(best.trial.configuration),
        })  # fmt: skip
    if out is not None:
        from graphflow.tuning.figures import write_report

        write_report(paths, out)
    if as_json:
        print_json(rows)
        return GOOD
    if len(searches) == 1:
        _print_trials(searches[0].trials, searches[0].asked.metric, searches[0].maximise)
    cells = [
        (str(r["tune"]), f"{r['scheduler']}, {r['sampler']}", str(r["trials"]),
         f"{kept.seconds():.1f}", kept.asked.metric, _cell(kept.best))
        for r, kept in zip(rows, searches, strict=True)
    ]  # fmt: skip
    print_table(("search", "scheduler, sampler", ">trials", ">seconds", "metric", "best"), cells)
    if out is not None:
        print(f"drawn in {out}")
    return GOOD


def _cell(best: Best | None) -> str:
    from graphflow.tuning.results import shown

    return "" if best is None else f"{shown_number(best.value)}  {shown(best.trial.configuration)}"
