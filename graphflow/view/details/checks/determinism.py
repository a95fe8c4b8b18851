"""Whether the same file, fed the same, gives the same bits."""

from __future__ import annotations

import numpy as np

from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.view.choosing import choose, compiled
from graphflow.view.details.checks.report import Row, Section, counted, verdict_of
from graphflow.view.details.values import text_of

TITLE = "Determinism"
AGAIN = "run again"
ANEW = "opened anew"


def determinism(first: Model, second: Model, dtype: str, seed: int | None) -> Section:
    """Compare two runs of the fast plan, and one of a model opened anew, bit for bit: the result
    and all gradients. Random draws and first values hang on the seed alone.
    """
    runs = [*_runs(first, dtype, seed, 2), *_runs(second, dtype, seed, 1)]
    rows = tuple(
        _row(name, what, runs[0][name], other[name])
        for what, other in ((AGAIN, runs[1]), (ANEW, runs[2]))
        for name in runs[0]
    )
    used = choose(first).seed if seed is None else seed
    failing = [row for row in rows if row.failing]
    if failing:
        words = f"{counted(len(failing), 'value')} of {len(rows)} differ between equal runs"
    else:
        are = "is" if len(runs[0]) == 1 else "are"
        words = f"{counted(len(runs[0]), 'value')} {are} the same bit for bit, {AGAIN} and {ANEW}"
    words += f"; first values were drawn with seed {first.seed}, the run with seed {used}."
    name = failing[0].name if failing else ""
    return Section("determinism", TITLE, verdict_of(rows), words, rows, name)


def _runs(model: Model, dtype: str, seed: int | None, count: int) -> list[dict[str, Array]]:
    """What some runs gave, gradients by the names of their nodes."""
    chosen = choose(model)
    program, cotangent = compiled(model, chosen, dtype, seed)
    found = []
    for _ in range(count):
        result = program(chosen.values, cotangent)
        gradients = {f"{name}.grad": value for name, value in result.gradients.items()}
        found.append({**result.values, **gradients})
    return found


def _row(name: str, what: str, one: Array, other: Array) -> Row:
    same = (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )
    words = "the same, bit for bit"
    error = None
    if not same:
        apart = int(np.count_nonzero(one != other)) if one.shape == other.shape else one.size
        words = f"{apart} of {counted(one.size, 'entry').replace('entrys', 'entries')} differ"
        error = _largest(one, other)
    expected, got = text_of(one), text_of(other)
    return Row(name, what, "good" if same else "wrong", expected, got, error, None, words)


def _largest(one: Array, other: Array) -> float | None:
    if one.shape != other.shape:
        return None
    with np.errstate(all="ignore"):
        apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    return float(np.max(apart[np.isfinite(apart)], initial=0.0))
