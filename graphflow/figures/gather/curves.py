"""Curves, points, bars and histograms, filled from a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from graphflow.diagnostics import did_you_mean, fail
from graphflow.figures.descriptions import (
    Array,
    Band,
    Bars,
    Chart,
    Histogram,
    Labels,
    Log,
    Series,
)
from graphflow.figures.gather.material import SAMPLES, History, Material
from graphflow.spec.figure_keys import Ref
from graphflow.spec.figures import COUNTS, AxesDecl, BarDecl, HistogramDecl, LineDecl, ScatterDecl
from graphflow.training.rows import Rows

MOST_ENTRIES = 8
"""Entries of a value up to which its history is drawn without being asked for."""
MOST_CURVES = 48
"""Rows of a value up to which each is a curve: there are so many pairs of a colour and a dash."""
MOST_GROUPS = 24
"""Different whole numbers up to which they are groups, not a scale."""


def line(decl: LineDecl, material: Material, name: str) -> Chart:
    """Metrics and histories over epochs or steps; nodes over another node, or over their places.

    Where x and all of y have a history, the way of the run is drawn, in the order of its steps;
    with a band or points, their values at its end.
    """
    chart = _curves(decl, material, name)
    if not decl.names:
        return chart
    if len(decl.names) != len(chart.series):
        fail("GF030", f"{len(decl.names)} names for {len(chart.series)} curves", decl.mark)
    named = zip(chart.series, decl.names, strict=True)
    return replace(chart, series=[replace(series, name=called) for series, called in named])


def _curves(decl: LineDecl, material: Material, name: str) -> Chart:
    """The chart of a line figure, its curves called by what they show."""
    if decl.x is not None and decl.x.name not in COUNTS:
        return _over_a_node(decl, decl.x, material, name)
    counted = counts(material.metrics) if decl.x is None else decl.x.name
    found, label = list[Series](), counted
    for ref in decl.y:
        if ref.name in material.history and not ref.metric:
            if decl.x is not None and decl.x.name != "step":
                fail("GF020", f"the history of '{ref}' is kept by steps", ref.mark, help="x: step")
            label = "step"
            found += _followed(material, ref)
        elif ref.metric or ref.name in measured(material.metrics):
            found.append(_reported(material.metrics, ref, counted))
        else:
            (values,) = material.values([ref], decl.part, decl.count or SAMPLES)
            label = "place" if decl.x is None else label
            _few(ref, values)
            found += _rows(ref.name, values, None, ref.entries)
    return Chart(found, axes(decl, name, label, _only(decl.y)), _log(decl), decl.equal)


def _over_a_node(decl: LineDecl, over: Ref, material: Material, name: str) -> Chart:
    """Curves over a node, a band between two of them, points that have an x of their own."""
    labels = axes(decl, name, str(over), _only(decl.y))
    if not (decl.band or decl.points) and all(
        ref.name in material.history and not ref.metric for ref in (over, *decl.y)
    ):
        ways = [_way(material, over, ref) for ref in decl.y]
        return Chart(ways, labels, _log(decl), decl.equal)
    values = partial(material.values, part=decl.part, count=decl.count or SAMPLES)
    x, *ys = values([over, *decl.y])
    series = [s for ref, y in zip(decl.y, ys, strict=True) for s in _rows_over(ref, x, y)]
    bands = []
    if decl.band:
        low, high = (_over(r, x, y) for r, y in zip(decl.band, values(decl.band), strict=True))
        bands = [Band(f"{low.name} to {high.name}", np.sort(x.reshape(-1)), low.y, high.y)]
    if decl.points:
        of_y = decl.points[1]
        x, y = _alike(of_y, *values(decl.points))
        series.append(Series(str(of_y), y, x, mode="markers"))
    return Chart(series, labels, _log(decl), decl.equal, bands=bands)


def _rows_over(ref: Ref, x: Array, y: Array) -> list[Series]:
    """One node over another: rows as long as x are a curve each."""
    if x.ndim != 1 or y.ndim < 2 or y.shape[-1] != len(x):
        return [_over(ref, x, y)]
    _few(ref, y)
    order = np.argsort(x, kind="stable")
    return _rows(ref.name, y[..., order], x[order], ref.entries)


def _log(decl: AxesDecl) -> Log:
    return decl.log  # type: ignore[return-value]


def counts(rows: Rows) -> str:
    """What the rows of a run are counted by: epochs, or steps where several share an epoch."""
    return "epoch" if len({row.epoch for row in rows}) == len(rows) else "step"


def metric(rows: Rows, name: str, counted: str) -> Series:
    """One metric of a run over its epochs or steps."""
    kept = [row for row in rows if name in row.metrics]
    x = np.array([row.epoch if counted == "epoch" else row.step for row in kept], np.float64)
    return Series(name, np.array([row.metrics[name] for row in kept], np.float64), x)


def _reported(rows: Rows, ref: Ref, counted: str) -> Series:
    """One metric that a figure names. GF020 where the run reports others but not this one."""
    known = measured(rows)
    if rows and ref.name not in known:
        offer = f"it reports {', '.join(known)}"
        fail("GF020", f"the run reports no '{ref}'", ref.mark,
             help=did_you_mean(ref.name, known) or offer)  # fmt: skip
    return metric(rows, ref.name, counted)


def _followed(material: Material, ref: Ref) -> list[Series]:
    """The history of a node: one curve, or one for each of its entries."""
    steps, values = material.history[ref.name]
    chosen = np.asarray(values)[slice(None), *ref.index]
    return _rows(ref.name, np.moveaxis(chosen, 0, -1), steps, ref.entries)


def _way(material: Material, x: Ref, y: Ref) -> Series:
    """The history of one number over that of another. The end that only states have is left out."""
    of_x, of_y = (_followed_number(material, ref) for ref in (x, y))
    last = min(len(of_x), len(of_y))
    return Series(str(y), of_y[:last], of_x[:last])


def _followed_number(material: Material, ref: Ref) -> Array:
    """The history of what is one number a step. GF030 for more of them."""
    rows = _followed(material, ref)
    if len(rows) != 1:
        fail("GF030", f"'{ref}' has {len(rows)} numbers a step", ref.mark,
             help=f"name one of them, such as {ref.name}[0]")  # fmt: skip
    return rows[0].y


def _rows(
    name: str, values: Array, x: Array | None, chosen: Sequence[int | None] = ()
) -> list[Series]:
    """A vector as one curve, all rows of what has more axes as one each, by their places.

    ``chosen`` are places that the name has already; None is an axis of which all are shown.
    """
    values = np.atleast_1d(values)
    rows = values.reshape(prod(values.shape[:-1]), values.shape[-1])
    places = [()] if len(rows) == 1 else list(np.ndindex(values.shape[:-1]))
    return [
        Series(_called(name, chosen, place), row, x)
        for place, row in zip(places, rows, strict=True)
    ]


def _called(name: str, chosen: Sequence[int | None], place: Sequence[int]) -> str:
    """``w[0, 2]``: what a name that may choose places already is called at a further place."""
    left = iter(place)
    filled = [next(left, None) if entry is None else entry for entry in chosen]
    words = [":" if entry is None else str(entry) for entry in (*filled, *left)]
    return f"{name}[{', '.join(words)}]" if words else name


def _few(ref: Ref, values: Array) -> None:
    """GF030 for rows that are too many to be told apart as curves."""
    rows = prod(values.shape[:-1])
    if rows > MOST_CURVES:
        fail("GF030", f"'{ref}' has {rows} rows, each of them a curve: {MOST_CURVES} can be shown",
             ref.mark, help=f"name one, such as {ref.name}[0], or say count: 8")  # fmt: skip


def _over(ref: Ref, x: Array, y: Array) -> Series:
    """One node over another, in the order of x."""
    x, y = _alike(ref, x, y)
    order = np.argsort(x, kind="stable")
    return Series(str(ref), y[order], x[order])


def _alike(ref: Ref, x: Array, y: Array) -> tuple[Array, Array]:
    """Both as vectors of one length. GF030."""
    if x.size != y.size:
        fail("GF030", f"'{ref}' has {y.size} values, x has {x.size}", ref.mark,
             help="each needs one value a sample: name a column, such as x[:, 0]")  # fmt: skip
    return x.reshape(-1), y.reshape(-1)


def scatter(decl: ScatterDecl, material: Material, name: str) -> Chart:
    """Points by group or on a scale of colours; lines over the same x in order."""
    color = [decl.color] if decl.color is not None else []
    refs = [decl.x, *decl.y, *decl.line, *color]
    x, *rest = material.values(refs, decl.part, decl.count or SAMPLES)
    ys, lines = rest[: len(decl.y)], rest[len(decl.y) : len(decl.y) + len(decl.line)]
    found = list[Series]()
    for ref, y in zip(decl.y, ys, strict=True):
        found += _points(ref, *_alike(ref, x, y), rest[-1] if color else None, decl.names)
    found += [_over(ref, x, y) for ref, y in zip(decl.line, lines, strict=True)]
    labels = axes(decl, name, str(decl.x), _only(decl.y))
    labels = replace(labels, z="" if decl.color is None else str(decl.color))
    return Chart(found, labels, _log(decl), decl.equal)


def _points(
    ref: Ref, x: Array, y: Array, color: Array | None, names: Sequence[str]
) -> list[Series]:
    if color is None:
        return [Series(str(ref), y, x, "markers")]
    color = _alike(ref, x, color)[1]
    groups = np.unique(color)
    if len(groups) > MOST_GROUPS or not np.array_equal(groups, np.round(groups.astype(float))):
        return [Series(str(ref), y, x, "markers", color=color)]
    called = dict(enumerate(names))
    return [
        Series(called.get(int(g), str(int(g))), y[color == g], x[color == g], "markers")
        for g in groups
    ]


def bar(decl: BarDecl, material: Material, name: str) -> Bars:
    """Vectors beside each other; of metrics, the last of a run."""
    metrics = [ref for ref in decl.of if ref.metric]
    values = [ref for ref in decl.of if not ref.metric]
    if metrics:
        last = [metric(material.metrics, ref.name, "step").y for ref in metrics]
        numbers = [float(y[-1]) if len(y) else float("nan") for y in last]
        numbers += [float(np.mean(v)) for v in material.values(values, decl.part, decl.count)]
        words: Sequence[str] = decl.labels or [str(ref) for ref in (*metrics, *values)]
        words = _fitted(words, len(numbers), decl)
        return Bars(np.array([numbers]), words, labels=_bar(decl, name))
    found = [np.atleast_1d(v) for v in material.values(values, decl.part, decl.count or SAMPLES)]
    longest = max(len(v) for v in found)
    if any(len(v) != longest for v in found):
        fail("GF030", "the vectors of one figure have one length", decl.mark)
    words = decl.labels or [str(i) for i in range(longest)]
    log: Log = "y" if decl.log else ""
    return Bars(np.array(found), _fitted(words, longest, decl), [str(ref) for ref in values],
                _bar(decl, name), log)  # fmt: skip


def _bar(decl: BarDecl, name: str) -> Labels:
    return Labels(decl.title or name, decl.x_label or "", decl.y_label or "", note=decl.about)


def _fitted(words: Sequence[str], count: int, decl: BarDecl) -> Sequence[str]:
    if len(words) != count:
        fail("GF030", f"{len(words)} labels for {count} bars", decl.mark)
    return words


def histogram(decl: HistogramDecl, material: Material, name: str) -> Histogram:
    """All entries of each value."""
    values = material.values(decl.of, decl.part, decl.count or SAMPLES)
    samples = [(str(ref), value) for ref, value in zip(decl.of, values, strict=True)]
    return Histogram(samples, decl.bins, axes(decl, name, _only(decl.of), "entries"), _log(decl))


def _only(refs: Sequence[Ref]) -> str:
    """The name at an axis: that of the only thing shown."""
    return str(refs[0]) if len(refs) == 1 else ""


def axes(decl: AxesDecl, name: str, x: str, y: str) -> Labels:
    """The words of a figure with two axes, the file's own first."""
    return Labels(
        decl.title or name,
        x if decl.x_label is None else decl.x_label,
        y if decl.y_label is None else decl.y_label,
        note=decl.about,
        x_range=decl.x_range,
        y_range=decl.y_range,
    )


def training_curves(runs: Mapping[str, Rows], title: str = "") -> dict[str, Chart]:
    """A chart for every metric that runs report: its parts, and the runs beside each other."""
    measures = dict.fromkeys(measure(key) for rows in runs.values() for key in measured(rows))
    counted = "step" if any(counts(rows) == "step" for rows in runs.values()) else "epoch"
    found = {}
    for name in measures:
        series = [s for run, rows in runs.items() for s in _parts(run, rows, name, counted)]
        if any(np.isfinite(one.y).any() for one in series):
            found[name] = Chart(series, Labels(title or name, counted, name))
    return found


def measured(rows: Rows) -> list[str]:
    """What a run reports, in order."""
    return list(dict.fromkeys(name for row in rows for name in row.metrics))


def measure(key: str) -> str:
    """What a metric measures, whatever the part of the data.

    >>> measure("train/loss"), measure("f")
    ('loss', 'f')
    """
    return key.partition("/")[2] or key


def _parts(run: str, rows: Rows, name: str, counted: str) -> list[Series]:
    """The parts (train, test) of one measure of one run."""
    keys = [key for key in measured(rows) if measure(key) == name]
    made = [(key, metric(rows, key, counted)) for key in keys]
    return [Series(f"{run}: {key}" if run else key, one.y, one.x, group=run) for key, one in made]


def usual_curves(runs: Mapping[str, Rows], kept: Mapping[str, History]) -> dict[str, Chart]:
    """What is drawn of runs without being asked for: what they report, and what else they keep."""
    reported = training_curves(runs)
    return reported | {n: c for n, c in history_curves(kept).items() if n not in reported}


def history_curves(runs: Mapping[str, History]) -> dict[str, Chart]:
    """A chart for every number and every short vector whose history runs keep, over steps."""
    found = {}
    for name in dict.fromkeys(name for history in runs.values() for name in history):
        kept = {run: history[name] for run, history in runs.items() if name in history}
        series = [
            replace(one, name=f"{run}: {one.name}" if run else one.name, group=run)
            for run, (steps, values) in kept.items()
            if len(steps) and values.ndim <= 2 and values[0].size <= MOST_ENTRIES
            for one in _rows(name, np.moveaxis(values, 0, -1), steps)
        ]
        if any(np.isfinite(one.y).any() for one in series):
            found[name] = Chart(series, Labels(name, "step", name))
    return found
