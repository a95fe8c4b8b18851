"""``graphflow check``: a file's own golden values, gradients against differences, broadcasts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import FAILED, GOOD, WRONG, print_json, report_errors
from graphflow.cli.source import AsJson
from graphflow.diagnostics import Diagnostic, GraphflowError, fail

if TYPE_CHECKING:
    from graphflow.autodiff import Cut
    from graphflow.backends.sets import BackendName
    from graphflow.cli.broadcasts import Stretch
    from graphflow.cli.gradients import Gradients
    from graphflow.ir.graph import Node
    from graphflow.model import Model
    from graphflow.training.checks import CheckResult

NAME = "check"


@dataclass
class Report:
    """What was found about one file."""

    file: str
    results: list[CheckResult] = field(default_factory=list)
    gradients: list[Gradients] | None = None
    stretches: list[Stretch] | None = None
    unread: Sequence[Node] = ()
    cuts: Sequence[tuple[str, Cut]] = ()
    errors: Sequence[Diagnostic] = ()
    note: str = ""

    @property
    def code(self) -> int:
        """The exit code for this file."""
        if self.errors:
            return WRONG
        good = all(r.passed for r in self.results)
        return GOOD if good and not any(g.failures for g in self.gradients or ()) else FAILED


def command(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE|FOLDER...", help="Files, names of canned graphs, folders."),
    ],
    gradients: Annotated[
        bool, typer.Option("--gradients", help="Hold gradients against differences.")
    ] = False,
    broadcasts: Annotated[
        bool, typer.Option("--broadcasts", help="List every operand whose shape is stretched.")
    ] = False,
    backend: Annotated[
        str, typer.Option(help="What computes the entries: numpy, or cupy on a GPU.")
    ] = "numpy",
    as_json: AsJson = False,
) -> int:
    """Run the `check:` entries of files: golden values and gradients."""
    from graphflow.backends.sets import backend_named

    reports, begun, where = [], time.monotonic(), backend_named(backend)
    for name in files:
        for report in _reports(name, gradients, broadcasts, where):
            reports.append(report)
            if not as_json:
                _print(report)
            report_errors(report.errors)
    if as_json:
        errors = [d.to_json() for report in reports for d in report.errors]
        print_json({"files": [_json(r) for r in reports], **({"errors": errors} if errors else {})})
    elif len(reports) > 1:
        print(_total(reports, time.monotonic() - begun))
    return max((report.code for report in reports), default=GOOD)


def _reports(
    name: str, gradients: bool, broadcasts: bool, backend: BackendName
) -> Iterator[Report]:
    """A report for each file that a path, the name of a canned graph or a folder means."""
    report = Report(name)
    try:
        paths = _paths(name)
    except GraphflowError as error:
        report.errors = error.diagnostics
        yield report
        return
    for path in paths:
        report = Report(str(path))
        try:
            model = _model(path)
            if model is None:
                report.note = "blocks only"
            else:
                _examine(model, report, gradients, broadcasts, backend)
        except GraphflowError as error:
            report.errors = error.diagnostics
        yield report


def _paths(name: str) -> list[Path]:
    """The files of a folder in order, or the one file."""
    from graphflow.gallery import find, graph_files

    folder = Path(name)
    if not folder.is_dir():
        return [find(name)]
    inside = graph_files(folder)
    if not inside:
        fail("GF001", f"the folder '{name}' holds no graph file", help="files end in .yaml")
    return inside


def _model(path: Path) -> Model | None:
    """The model of a file, or None for a sound file of blocks."""
    from graphflow import api
    from graphflow.spec.load import load_document
    from graphflow.spec.yaml12 import read_text

    document = load_document(read_text(path), str(path), blocks_only=True)
    return None if document.blocks and not document.nodes else api.load(path)


def _examine(
    model: Model, report: Report, gradients: bool, broadcasts: bool, backend: BackendName
) -> None:
    from graphflow.cli.broadcasts import stretches
    from graphflow.cli.gradients import check_model, cut_parameters
    from graphflow.training.checks import run_checks
    from graphflow.training.feed import check_data

    check_data(model.elaborated)
    report.results = run_checks(model, backend)
    graph = model.graph
    report.unread = [
        leaf for leaf in graph.leaves("input")
        if not graph.consumers[leaf.name] and leaf.name not in graph.roots()
    ]  # fmt: skip
    if broadcasts:
        report.stretches = list(stretches(model.graph))
    report.cuts = cut_parameters(model)
    if gradients:
        report.gradients = check_model(model)


# -- printing ------------------------------------------------------------------------------------
def _print(report: Report) -> None:
    """One line, then what failed."""
    print(f"{report.file}: {_summary(report)}")
    for result in report.results:
        if not result.passed:
            about = f" ({result.about})" if result.about else ""
            print(f"  {result.mark}: {result.message()}{about}")
    for found in report.gradients or ():
        for wrong in found.failures:
            print(f"  gradient of '{found.of}' by '{wrong.name}': {wrong.analytic:.10g} along a "
                  f"random direction, but differences give {wrong.numeric:.10g}")  # fmt: skip
        for mark in dict.fromkeys(found.loose if found.failures else ()):
            print(f"  {mark}: a stop_gradient inside a loop or branch keeps the gradient from what "
                  "differences see: if it is meant, so is the disagreement")  # fmt: skip
    for stretch in report.stretches or ():
        print(f"  {stretch.message()}")
    for leaf in report.unread:
        print(f"  no node reads the input '{leaf.name}'")
    for of, cut in report.cuts:
        print(f"  {cut.at[0][2] or report.file}: the parameter {cut.message(of)}")


def _summary(report: Report) -> str:
    """What was found, in a few words."""
    from graphflow.runtime.differences import held_still

    if report.errors:
        return f"{_count(len(report.errors), 'error')}"
    passed = sum(r.passed for r in report.results)
    parts = [report.note or "no checks"]
    if report.results:
        failed = len(report.results) - passed
        parts = [f"{_count(passed, 'check')} passed"] + ([f"{failed} FAILED"] if failed else [])
    for found in report.gradients or ():
        if found.flat:
            parts.append(f"'{found.of}' has no gradient: {found.flat}")
            continue
        wrong = len(found.failures)
        fed = f" (fed from {found.fed_from})" * bool(found.fed_from)
        good = _count(len(found.checks) - wrong, "gradient")
        parts.append(f"{good} of '{found.of}' as differences say{fed}")
        parts += [f"{wrong} DISAGREE"] if wrong else []
        parts += [f"those by {', '.join(found.kinks)} right beside a kink"] * bool(found.kinks)
        parts += [held_still(found.held)] * bool(found.held)
        parts += [f"those by {', '.join(found.cut)} cut in a loop or branch"] * bool(found.cut)
    if report.stretches is not None:
        parts.append(_count(len(report.stretches), "stretched operand"))
    return ", ".join(parts)


def _total(reports: Sequence[Report], seconds: float) -> str:
    """What was found in all files, and how long it took."""
    good = sum(report.code == GOOD for report in reports)
    passed = sum(result.passed for report in reports for result in report.results)
    parts = [f"{good} of {len(reports)} files are good", f"{_count(passed, 'check')} passed"]
    if any(report.gradients is not None for report in reports):
        found = [check for r in reports for g in r.gradients or () for check in g.checks]
        wrong = sum(len(g.failures) for r in reports for g in r.gradients or ())
        parts.append(f"{_count(len(found) - wrong, 'gradient')} as differences say")
    unchecked = sum(not (r.results or r.errors or r.note) for r in reports)
    parts += [f"{_count(unchecked, 'file')} without checks"] * bool(unchecked)
    return f"{', '.join(parts)} ({seconds:.0f} s)"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _json(report: Report) -> dict[str, object]:
    found: dict[str, object] = {
        "file": report.file,
        "ok": report.code == GOOD,
        "passed": sum(r.passed for r in report.results),
        "checks": [
            {
                "about": r.about, "kind": r.kind, "name": r.name, "passed": r.passed,
                "expected": r.expected.tolist(), "got": r.got.tolist(), "error": r.error,
                "line": r.mark.line,
            }
            for r in report.results
        ],
        "unread": [leaf.name for leaf in report.unread],
        "cut": [
            {"of": of, "parameter": cut.leaf, "at": [name for name, _, _ in cut.at]}
            for of, cut in report.cuts
        ],
        "errors": [d.to_json() for d in report.errors],
    }  # fmt: skip
    if report.gradients is not None:
        found["gradients"] = [
            {
                "of": g.of, "wrt": c.name, "passed": c.passes(),
                "analytic": c.analytic, "numeric": c.numeric, "error": c.error,
            }
            for g in report.gradients
            for c in g.checks
        ]  # fmt: skip
    if report.stretches is not None:
        found["broadcasts"] = [
            {
                "node": s.node, "op": s.op, "operand": s.operand, "shape": s.shape,
                "result": s.result, "line": s.mark.line if s.mark else None,
            }
            for s in report.stretches
        ]  # fmt: skip
    return found
