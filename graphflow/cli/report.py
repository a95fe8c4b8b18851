"""``graphflow report``: the figures of a run, or several runs beside each other, as one page."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import FAILED, GOOD, print_json, say
from graphflow.cli.source import AsJson
from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from graphflow.figures import Report

NAME = "report"


def command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The page, else report.html in the run's folder."),
    ] = None,
    png: Annotated[bool, typer.Option("--png", help="Each figure as an image, too.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Show the page in a browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write the report of a run, finished or under way: one page that works offline.

    Several runs are laid over each other, curve by curve, and so are the folds of one.
    """
    from graphflow.figures import compared_report, run_report, write_png, write_report
    from graphflow.training.run_folder import RunFolder

    file = out or (runs[0] / "report.html" if len(runs) == 1 else Path("report.html"))
    single = [one for run in runs for one in RunFolder(run).folds() or [run]]
    report = run_report(single[0]) if len(single) == 1 else compared_report(single)
    if file.is_dir():
        fail("GF006", f"'{file}' is a folder", help=f"name the page: --out {file / 'report.html'}")
    write_report(report, file)
    told(report)
    images: list[Path] = []
    if png:
        say(f"{file} is written; a browser draws {len(report.figures)} images, it takes a while")
        images = write_png(report.figures, file.parent / "figures")
    if as_json:
        print_json({
            "report": str(file), "figures": list(report.figures),
            "problems": dict(report.problems), "images": [str(image) for image in images],
        })  # fmt: skip
    else:
        more = f", {len(images)} images in {file.parent / 'figures'}" if images else ""
        count = len(report.figures)
        print(f"{count} figure{'s' * (count != 1)} in {file}{more}")
    if show:
        webbrowser.open(file.resolve().as_uri())
    return FAILED if report.problems else GOOD


def told(report: Report) -> None:
    """Say which figures could not be drawn."""
    for name, problem in report.problems.items():
        say(f"figure '{name}' cannot be drawn: {problem}")


def report_after(run: Path) -> Path:
    """Write the report of a run that has just ended into its folder."""
    from graphflow.figures import run_report, write_report

    report = run_report(run)
    write_report(report, run / "report.html")
    told(report)
    return run / "report.html"
