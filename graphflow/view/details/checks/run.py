"""All checks, or some of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from graphflow.diagnostics import fail
from graphflow.view.details.checks.determinism import determinism
from graphflow.view.details.checks.golden import golden
from graphflow.view.details.checks.gradients import TITLE, gradients
from graphflow.view.details.checks.precision import precision
from graphflow.view.details.checks.report import PARTS, CheckReport, Part, Section
from graphflow.view.details.gradients import point_of
from graphflow.view.opening import open_model
from graphflow.view.recording.recording import Recording
from graphflow.view.workspace import Workspace


def check(
    workspace: Workspace, recording: Recording, max_nodes: int, parts: Sequence[Part] = PARTS
) -> CheckReport:
    """Golden values and determinism of the file as it is, without edits; gradients and precision at
    the point that is shown, edits included. Raises GF006 for a part that is not there.
    """
    makers: Mapping[str, Callable[[], Section]] = {
        "golden": lambda: golden(open_model(workspace, max_nodes)),
        "gradients": lambda: _gradients(recording),
        "determinism": lambda: determinism(
            open_model(workspace, max_nodes), open_model(workspace, max_nodes),
            workspace.dtype, workspace.seed,
        ),
        "precision": lambda: precision(recording.turns),
    }  # fmt: skip
    sections = []
    for part in parts:
        if part not in makers:
            fail("GF006", f"there is no check '{part}'", help=f"one of {', '.join(PARTS)}")
        begun = time.monotonic()
        sections.append(replace(makers[part](), seconds=time.monotonic() - begun))
    return CheckReport(tuple(sections))


def _gradients(recording: Recording) -> Section:
    """Of all turns that have a real result; a turn's first wrong node counts before the next's."""
    real = [
        turn for turn in recording.turns
        if turn.of in turn.graph and turn.graph[turn.of].tensor.dtype.is_float
    ]  # fmt: skip
    if not real:
        words = "This walk differentiates no one real value, so there is nothing to compare."
        return Section("gradients", TITLE, "none", words, ())
    found = [gradients(point_of(turn)) for turn in real]
    worst = next((s for s in found if s.verdict == "bad"), found[0])
    rows = {(row.name, row.what): row for section in found for row in section.rows}
    told = [f"{turn.of}: {s.words}" for turn, s in zip(real, found, strict=True)]
    words = " ".join(told) if len(told) > 1 else found[0].words
    return replace(worst, rows=tuple(rows.values()), words=words)
