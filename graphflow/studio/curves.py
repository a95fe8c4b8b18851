"""The curves of a run, finished or under way, as figures of so few points that they stay quick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from graphflow.figures.charts import thinned
from graphflow.figures.descriptions import Array, Chart, Labels, Series
from graphflow.files import read_object
from graphflow.run_entries import hold_together
from graphflow.studio.live import FOLDER
from graphflow.training.history import STEP, Records
from graphflow.training.rows import Row
from graphflow.training.run_folder import RunFolder

POINTS = 1000
"""Points of a chart, at most, but for FEWEST of each of its curves."""
FEWEST = 32
GUIDE = 1e-3
"""The ratio of an update to its weight that training usually does well with (A. Karpathy, *A recipe
for training neural networks*, and his lectures): far above it weights jump, far below they stand.
"""
NAMED = 24
"""Curves up to which each has its name beside the drawing."""


def metrics_charts(run: Path) -> dict[str, Chart]:
    """By metric: its value in each update, and the means of each epoch, over the updates made.

    GF064 where the run's folder holds links to files elsewhere; so for :func:`gauge_charts`.
    """
    hold_together(run)
    found: dict[str, list[Series]] = {}
    updates = Records(run / FOLDER / "values.npy").stored()
    for name in [n for n in updates.dtype.names or () if n != STEP]:
        x, y = _few(updates[STEP], updates[name], 2)
        found.setdefault(name, []).append(Series("each update", y, x))
    for name, (steps, values) in _logged(run, bool(found)).items():
        part, _, metric = name.partition("/")
        x, y = _few(steps, values, 4)
        found.setdefault(metric or part, []).append(Series(f"{part}, each epoch", y, x))
    return {name: Chart(series, Labels(name, "updates", name)) for name, series in found.items()}


def last_row(run: Path) -> Row | None:
    """What its log says last: the metrics of the last epoch that was finished, or of the last step
    that was logged where no epoch ends.
    """
    hold_together(run)
    rows = _log(run)
    return rows[-1] if rows else None


def gauge_charts(run: Path) -> dict[str, Chart]:
    """The norms of gradients by layer, and the ratios of updates to weights; none where a run has
    no gauges.
    """
    hold_together(run)
    file = run / FOLDER / "names.json"
    rows = Records(run / FOLDER / "gauges.npy").stored()
    if not len(rows) or not file.is_file():
        return {}
    names, steps = read_object(file), rows[STEP]
    norms = _series(names.get("layers"), steps, rows["gradients"])
    ratios = _series(names.get("parameters"), steps, rows["ratios"])
    ends = np.array([steps[0], steps[-1]])
    guide = Series(f"{GUIDE:g}, a guide", np.full(2, GUIDE), ends, group="guide")
    return {
        "gradients": Chart(norms, Labels("Norm of the gradient, by layer", "updates", "norm"),
                           "y", legend=len(norms) <= NAMED),
        "ratios": Chart([guide, *ratios], Labels("Update to weight, by parameter", "updates",
                        "norm of the change / norm"), "y", legend=len(ratios) <= NAMED),
    }  # fmt: skip


def _series(names: object, steps: Array, values: Array) -> list[Series]:
    """A curve for each column."""
    labels = names if isinstance(names, list) else []
    found = []
    for number, name in enumerate(labels):
        x, y = _few(steps, values[:, number], len(labels))
        found.append(Series(str(name), y, x))
    return found


def _few(x: Array, y: Array, curves: int) -> tuple[Array, Array]:
    most = max(FEWEST, POINTS // curves)
    return thinned(np.asarray(x, np.float64), np.asarray(y, np.float64), most)


def _logged(run: Path, known: bool) -> Mapping[str, tuple[Array, Array]]:
    """What ``metrics.jsonl`` says, by name. Where each of its rows is an update, and updates are
    ``known`` already, there is nothing more in it.
    """
    rows = _log(run)
    if known and rows and rows[0].epoch == 0:
        return {}
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    return {name: _column(rows, name) for name in names}


def _column(rows: Sequence[Row], name: str) -> tuple[Array, Array]:
    kept = [(row.step, row.metrics[name]) for row in rows if name in row.metrics]
    steps, values = zip(*kept, strict=True)
    return np.array(steps), np.array(values, np.float64)


def _log(run: Path) -> tuple[Row, ...]:
    file = run / "metrics.jsonl"
    return _rows(run, file.stat().st_size) if file.is_file() else ()


@lru_cache(maxsize=32)
def _rows(run: Path, size: int) -> tuple[Row, ...]:
    """The rows of a log that is so long: it only grows."""
    return tuple(RunFolder(run).metrics())
