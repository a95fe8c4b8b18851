"""The schedule as a table: what a screen reader reads, and what a search goes through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphflow.ir.graph import Phase
from graphflow.ops.evaluate import Computed
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.texts import shape_text
from graphflow.view.recording.turn import Scope


@dataclass(frozen=True)
class Row:
    """One step. ``value`` is the number, or the mean of a larger value's finite entries;
    ``gradient`` the norm of the gradient of what the step is about, empty where there is none.
    """

    step: int
    turn: str
    phase: Phase
    node: str
    op: str
    shape: str
    value: str
    gradient: str
    line: int | None
    flag: str


def table(recording: Recording) -> tuple[Row, ...]:
    """A row for every step."""
    norms: dict[tuple[int, str], str] = {}
    rows = []
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        scope, title = recording.scope(step.index), recording.turns[step.turn].title
        mean = ran.summary.mean
        gradient = step.node if step.phase == "backward" else f"{step.node}.grad"
        key = id(scope), gradient
        if key not in norms:
            norms[key] = _norm(scope, gradient)
        rows.append(
            Row(
                step.index, title, step.phase, step.id, step.op, shape_text(ran.summary.shape),
                "" if mean is None else f"{mean:.5g}", norms[key],
                step.mark.line if step.mark else None, step.flag,
            )
        )  # fmt: skip
    return tuple(rows)


def _norm(scope: Scope, name: str) -> str:
    """The Euclidean norm of a gradient."""
    value: Computed | None = scope.values.get(name)
    if value is None or isinstance(value, tuple) or np.asarray(value).dtype.kind != "f":
        return ""
    with np.errstate(all="ignore"):
        return f"{float(np.linalg.norm(np.asarray(value, np.float64).ravel())):.5g}"
