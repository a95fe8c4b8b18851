"""The values that the file itself expects (its ``check:`` entries)."""

from __future__ import annotations

from graphflow.model import Model
from graphflow.training.checks import CheckResult, run_checks
from graphflow.view.details.checks.report import Row, Section, counted, verdict_of
from graphflow.view.details.values import text_of

TITLE = "Golden values"


def golden(model: Model) -> Section:
    """Run every entry of the file's ``check:``; parameters and states are left as they were."""
    rows = tuple(_row(result) for result in run_checks(model))
    failing = [row for row in rows if row.failing]
    if not rows and model.document.check:
        words = "Its check: section expects nothing (it has no expect:), so nothing is compared."
    elif not rows:
        words = "The file has no check: section, so there is nothing to hold it to."
    elif failing:
        words = (f"{len(failing)} of {counted(len(rows), 'expected value')} "
                 f"{'is' if len(failing) == 1 else 'are'} missed.")  # fmt: skip
    else:
        words = f"All {counted(len(rows), 'expected value')} are met."
        words = words if len(rows) > 1 else "The expected value is met."
    first = failing[0].name if failing else ""
    return Section("golden", TITLE, verdict_of(rows), words, rows, first)


def _row(result: CheckResult) -> Row:
    return Row(
        result.name,
        result.kind,
        "good" if result.passed else "wrong",
        text_of(result.expected),
        text_of(result.got),
        result.error,
        None,
        result.about if result.passed else f"{result.about}: {result.message()}",
        result.mark,
    )
