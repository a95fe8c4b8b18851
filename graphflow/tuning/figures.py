"""The figures of searches: incumbent against time, who trained what when, what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from graphflow.figures import (
    Axis,
    Chart,
    Description,
    Labels,
    Moment,
    Parallel,
    Report,
    Series,
    Span,
    Table,
    Timeline,
    draw,
)
from graphflow.figures import write_report as write_page
from graphflow.figures.descriptions import Array, Log
from graphflow.spec.values import Plain
from graphflow.tuning.results import Best, Kept, best_of, incumbents, ranked, shown, stretches

TIME = "wall-clock time in s"
LEGEND = 12
"""Curves up to which each has an entry in the legend."""


def any_time(searches: Sequence[Kept]) -> Chart:
    """The best metric so far against wall-clock time, a step curve for each search."""
    series = []
    for kept in searches:
        moments, best = incumbents(kept)
        xs, ys = np.repeat(moments, 2)[1:], np.repeat(best, 2)[:-1]
        if best:
            xs, ys = np.append(xs, kept.seconds()), np.append(ys, best[-1])
        series.append(Series(kept.name, ys, xs))
    metric = " or ".join(dict.fromkeys(kept.asked.metric for kept in searches))
    end = max((kept.seconds() for kept in searches), default=0.0)
    return Chart(series, Labels("Best so far", TIME, metric, x_range=(0.0, end)))


def distribution(searches: Sequence[Kept]) -> Chart:
    """F(e), the share of a search's trials whose best metric is at most e, one for each search."""
    series = []
    for kept in searches:
        values = np.sort([found.value for found in _judged(kept)])
        shares = np.repeat(np.arange(len(values) + 1) / max(len(values), 1), 2)[1:-1]
        if len(values):
            series.append(Series(kept.name, shares, np.repeat(values, 2)))
    metric = " or ".join(dict.fromkeys(kept.asked.metric for kept in searches))
    labels = Labels("Share of trials whose best is at most that", metric, "share of trials")
    return Chart(series, labels)


def learning_curves(kept: Kept) -> Chart:
    """The metric of every trial by epoch."""
    series = [
        Series(
            f"trial {t.number}", np.array([v for _, v in sorted(t.values.items())]),
            np.array(sorted(t.values), dtype=float), mode="lines+markers",
        )
        for t in kept.trials if t.values
    ]  # fmt: skip
    labels = Labels("Learning curves", "epoch", kept.asked.metric)
    return Chart(series, labels, legend=len(series) <= LEGEND)


def timeline(kept: Kept) -> Timeline:
    """A row for each worker, a span for each stretch of a trial, a mark for each epoch."""
    trials = {trial.number: trial for trial in kept.trials}
    spans = []
    for trial, worker, begin, end in stretches(kept.events):
        known = trials.get(trial)
        more = f", {known.state}: {shown(known.configuration)}" if known else ""
        spans.append(Span(worker, begin, end, str(trial), f"trial {trial}{more}", trial))
    epochs = [
        Moment(e.worker, e.time, f"trial {e.trial}, epoch {e.epoch}: {_number(e.value)}")
        for e in kept.events if e.event == "epoch"
    ]  # fmt: skip
    return Timeline(spans, epochs, Labels("Trials on their workers", TIME, "worker"))


def parameters(kept: Kept) -> dict[str, Chart]:
    """For each searched setting a scatter of the trials' best metrics."""
    judged = _judged(kept)
    best = np.array([found.value for found in judged])
    epochs = np.array([found.trial.epoch for found in judged])
    text = [f"trial {found.trial.number}: {shown(found.trial.configuration)}" for found in judged]
    charts = {}
    for name, distribution in kept.asked.space.items():
        places, words = _placed([found.trial.configuration[name] for found in judged])
        series = Series(kept.asked.metric, best, places, "markers", epochs, text)
        title = f"{name}: the best {kept.asked.metric} of each trial"
        labels = Labels(title, name, kept.asked.metric, "epochs")
        log: Log = "x" if distribution.startswith("log") else ""
        charts[name] = Chart([series], labels, log, x_words=words)
    return charts


def coordinates(kept: Kept) -> Parallel:
    """Parallel coordinates: a line for each trial through its settings to its best metric."""
    judged = _judged(kept)
    axes = [
        Axis(name, *_placed([found.trial.configuration[name] for found in judged]),
             log=distribution.startswith("log"))
        for name, distribution in kept.asked.space.items()
    ]  # fmt: skip
    metric = np.array([found.value for found in judged])
    axes.append(Axis(kept.asked.metric, metric))
    return Parallel(axes, metric, Labels("Configurations"))


def _judged(kept: Kept) -> list[Best]:
    """Each trial that has a metric, with its best."""
    found = [best_of([trial], kept.maximise) for trial in kept.trials]
    return [best for best in found if best is not None]


def _placed(values: Sequence[Plain]) -> tuple[Array, Sequence[str]]:
    """Numbers as they are; words as places 0, 1, ... in order of appearance, and the words."""
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return np.array(values, dtype=float), ()
    words = list(dict.fromkeys(map(str, values)))
    return np.array([words.index(str(v)) for v in values], dtype=float), words


def described(searches: Sequence[Kept]) -> Mapping[str, Description]:
    """All figures: of one search, or the curves of several in one."""
    found: dict[str, Description] = {
        "any-time": any_time(searches), "distribution": distribution(searches)
    }  # fmt: skip
    for kept in searches:
        mine = "" if len(searches) == 1 else f"-{kept.name}"
        found[f"gantt{mine}"] = timeline(kept)
        if any(trial.values for trial in kept.trials):
            found[f"curves{mine}"] = learning_curves(kept)
        if kept.best is not None:
            found[f"configurations{mine}"] = coordinates(kept)
            found |= {f"{name}{mine}": chart for name, chart in parameters(kept).items()}
    return found


def write_report(paths: Sequence[Path], file: Path) -> None:
    """One page with all figures of one or several searches; works without a network."""
    searches = [Kept.of(path) for path in paths]
    names = dict.fromkeys(Path(kept.asked.setting.file).name for kept in searches)
    tables = [_table(kept) for kept in searches]
    drawn = {name: draw(one) for name, one in described(searches).items()}
    write_page(Report(f"Search of {', '.join(names)}", tables=tables, shown=drawn), file)


def _table(kept: Kept) -> Table:
    rows = []
    for t in ranked(kept.trials, kept.maximise):
        best = t.best(kept.maximise)
        value = _number(None if best is None else best[0])
        rows.append((str(t.number), shown(t.configuration), str(t.epoch), value, t.state))
    head = ("trial", "configuration", "epochs", kept.asked.metric, "state")
    return Table(f"{kept.name}: {kept.asked.scheduler}, {kept.asked.sampler}", head, rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
