"""The figures of searches: incumbent against time, who trained what when, what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from graphflow.figures import Chart, Labels, Report, Series, Table, draw, report_html
from graphflow.figures.theme import SEQUENTIAL, colour, figure, safe
from graphflow.files import write_atomically
from graphflow.spec.values import Plain
from graphflow.tuning.folder import Asked, Event, TuneFolder
from graphflow.tuning.study import trials_of
from graphflow.tuning.trials import Trial

BAR = 34
"""Pixels of the page for a worker."""
TIME = "wall-clock time in s"
LEGEND = 12
"""Curves up to which each has an entry in the legend."""


@dataclass(frozen=True)
class Kept:
    """A finished or unfinished search, read from its folder."""

    name: str
    asked: Asked
    trials: Sequence[Trial]
    events: Sequence[Event]

    @classmethod
    def of(cls, path: Path) -> Kept:
        """The search in a folder."""
        folder = TuneFolder.open(path)
        return cls(path.name, folder.asked(), trials_of(path), folder.events())

    @property
    def maximise(self) -> bool:
        """Whether larger metrics are better."""
        return self.asked.mode == "max"

    def seconds(self) -> float:
        """When the last thing happened."""
        return max((event.time for event in self.events), default=0.0)


def best_of(kept: Kept) -> tuple[Trial, float] | None:
    """The best trial of a search and its metric."""
    first = next(iter(ranked(kept.trials, kept.maximise)), None)
    value = None if first is None else _value(first, kept.maximise)
    return None if first is None or value is None else (first, value)


def incumbents(kept: Kept) -> tuple[list[float], list[float]]:
    """Moments at which the best metric so far improved, and that metric."""
    moments, best = list[float](), list[float]()
    for event in kept.events:
        if event.event != "epoch" or event.value is None:
            continue
        better = not best or (event.value > best[-1] if kept.maximise else event.value < best[-1])
        if better:
            moments.append(event.time)
            best.append(event.value)
    return moments, best


def any_time(searches: Sequence[Kept]) -> go.Figure:
    """The best metric so far against wall-clock time, a step curve for each search."""
    series = []
    for kept in searches:
        moments, best = incumbents(kept)
        corners = [c for m, b in zip(moments, best, strict=True) for c in ((m, b),)]
        xs = [x for i, (m, _) in enumerate(corners) for x in ((m, m) if i else (m,))]
        ys = [y for i, (_, b) in enumerate(corners) for y in ((best[i - 1], b) if i else (b,))]
        if best:
            xs, ys = [*xs, kept.seconds()], [*ys, best[-1]]
        series.append(Series(kept.name, np.array(ys), np.array(xs)))
    metric = " or ".join(dict.fromkeys(kept.asked.metric for kept in searches))
    end = max((kept.seconds() for kept in searches), default=0.0)
    labels = Labels("Best so far", TIME, metric, x_range=(0.0, end))
    return draw(Chart(series, labels))


def learning_curves(kept: Kept) -> go.Figure:
    """The metric of every trial by epoch."""
    series = [
        Series(
            f"trial {t.number}", np.array([v for _, v in sorted(t.values.items())]),
            np.array(sorted(t.values), dtype=float), mode="lines+markers",
        )
        for t in kept.trials if t.values
    ]  # fmt: skip
    drawn = draw(Chart(series, Labels("Learning curves", "epoch", kept.asked.metric)))
    drawn.update_layout(showlegend=1 < len(series) <= LEGEND)
    return drawn


def gantt(kept: Kept) -> go.Figure:
    """A row for each worker, a bar for each stretch of a trial, a mark for each epoch."""
    workers = sorted({e.worker for e in kept.events if e.worker >= 0})
    drawn = figure(Labels("Trials on their workers"), height=60 + BAR * len(workers))
    for trial, worker, begin, end in stretches(kept.events):
        known = next((t for t in kept.trials if t.number == trial), None)
        state = known.state if known else ""
        drawn.add_trace(go.Bar(
            x=[end - begin], base=[begin], y=[worker], orientation="h", width=0.7,
            marker={"color": colour(trial), "line": {"width": 1, "color": "white"}},
            text=str(trial), textposition="inside", insidetextanchor="middle",
            hovertext=safe(f"trial {trial}, {state}: {_shown(known)}"), hoverinfo="text",
            showlegend=False,
        ))  # fmt: skip
    epochs = [e for e in kept.events if e.event == "epoch"]
    drawn.add_trace(go.Scatter(
        x=[e.time for e in epochs], y=[e.worker for e in epochs], mode="markers",
        marker={"symbol": "line-ns-open", "size": 12, "color": "rgba(0,0,0,0.55)"},
        hovertext=[f"trial {e.trial}, epoch {e.epoch}: {_number(e.value)}" for e in epochs],
        hoverinfo="text", showlegend=False,
    ))  # fmt: skip
    drawn.update_layout(barmode="overlay")
    drawn.update_xaxes(title_text=TIME)
    drawn.update_yaxes(title_text="worker", tickvals=workers, autorange="reversed")
    return drawn


def stretches(events: Sequence[Event]) -> list[tuple[int, int, float, float]]:
    """(trial, worker, begin, end) of every stretch of work.

    >>> stretches([Event(0.0, "start", 4, 1), Event(2.5, "end", 4, 1)])
    [(4, 1, 0.0, 2.5)]
    """
    begun: dict[tuple[int, int], float] = {}
    found = []
    last = max((event.time for event in events), default=0.0)
    for event in events:
        place = (event.trial, event.worker)
        if event.event == "start":
            begun[place] = event.time
        elif event.event == "end" and place in begun:
            found.append((*place, begun.pop(place), event.time))
    return found + [(*place, begin, last) for place, begin in begun.items()]


def parameters(kept: Kept) -> dict[str, go.Figure]:
    """For each searched setting a scatter of the trials' best metrics."""
    judged = [(t, b[0]) for t in kept.trials if (b := t.best(kept.maximise)) is not None]
    found = {}
    for name, distribution in kept.asked.space.items():
        values = [t.configuration[name] for t, _ in judged]
        numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        drawn = figure(Labels(f"{name}: the best {kept.asked.metric} of each trial"), height=300)
        drawn.add_trace(go.Scatter(
            x=values if numeric else [str(v) for v in values], y=[b for _, b in judged],
            mode="markers", hoverinfo="text",
            hovertext=[safe(f"trial {t.number}: {_shown(t)}") for t, _ in judged],
            marker={"size": 9, "color": [t.epoch for t, _ in judged], "colorscale": SEQUENTIAL,
                    "showscale": True, "colorbar": {"title": "epochs"}},
        ))  # fmt: skip
        drawn.update_xaxes(title_text=safe(name))
        drawn.update_yaxes(title_text=safe(kept.asked.metric))
        if distribution.startswith("log"):
            drawn.update_xaxes(type="log")
        found[name] = drawn
    return found


def coordinates(kept: Kept) -> go.Figure:
    """Parallel coordinates: a line for each trial through its settings to its best metric."""
    judged = [(t, b[0]) for t in kept.trials if (b := t.best(kept.maximise)) is not None]
    axes = [
        _axis(name, [t.configuration[name] for t, _ in judged], text.startswith("log"))
        for name, text in kept.asked.space.items()
    ]
    metrics = [best for _, best in judged]
    axes.append({"label": safe(kept.asked.metric), "values": metrics})
    drawn = figure(Labels("Configurations"), height=320, below=24)
    drawn.add_trace(go.Parcoords(
        dimensions=axes, line={"color": metrics, "colorscale": SEQUENTIAL, "showscale": False},
    ))  # fmt: skip
    drawn.update_layout(margin={"l": 70, "r": 70, "t": 100})
    return drawn


def _axis(name: str, values: Sequence[Plain], log: bool) -> dict[str, object]:
    """One axis: numbers, their logarithms, or words in order of appearance."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        words = list(dict.fromkeys(map(str, values)))
        places = [words.index(str(v)) for v in values]
        return {"label": safe(name), "values": places, "tickvals": list(range(len(words))),
                "ticktext": [safe(word) for word in words]}  # fmt: skip
    numbers = np.array(values, dtype=float)
    if not log:
        return {"label": safe(name), "values": numbers}
    ticks = np.linspace(np.log10(numbers.min()), np.log10(numbers.max()), 5)
    return {"label": safe(name), "values": np.log10(numbers), "tickvals": ticks,
            "ticktext": [f"{10**tick:.2g}" for tick in ticks]}  # fmt: skip


def figures(searches: Sequence[Kept]) -> Mapping[str, go.Figure]:
    """All figures: of one search, or the curves of several in one."""
    found = {"any-time": any_time(searches)}
    for kept in searches:
        mine = "" if len(searches) == 1 else f"-{kept.name}"
        found[f"gantt{mine}"] = gantt(kept)
        if any(trial.values for trial in kept.trials):
            found[f"curves{mine}"] = learning_curves(kept)
        if any(trial.best(kept.maximise) for trial in kept.trials):
            found[f"configurations{mine}"] = coordinates(kept)
            found |= {f"{name}{mine}": drawn for name, drawn in parameters(kept).items()}
    return found


def write_report(paths: Sequence[Path], file: Path) -> None:
    """One page with all figures of one or several searches; works without a network."""
    searches = [Kept.of(path) for path in paths]
    tables = [_table(kept) for kept in searches]
    title = f"Search of {', '.join(dict.fromkeys(Path(k.asked.file).name for k in searches))}"
    page = report_html(Report(title, tables=tables, shown=figures(searches)))
    write_atomically(file, page.encode())


def _table(kept: Kept) -> Table:
    rows = [
        (str(t.number), _shown(t), str(t.epoch), _number(_value(t, kept.maximise)), t.state)
        for t in ranked(kept.trials, kept.maximise)
    ]
    head = ("trial", "configuration", "epochs", kept.asked.metric, "state")
    return Table(f"{kept.name}: {kept.asked.scheduler}, {kept.asked.sampler}", head, rows)


def ranked(trials: Sequence[Trial], maximise: bool) -> list[Trial]:
    """The best first; those without a metric last."""
    sign = -1 if maximise else 1

    def place(trial: Trial) -> tuple[bool, float, int]:
        value = _value(trial, maximise)
        return value is None, 0.0 if value is None else sign * value, trial.number

    return sorted(trials, key=place)


def _value(trial: Trial, maximise: bool) -> float | None:
    best = trial.best(maximise)
    return None if best is None else best[0]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _shown(trial: Trial | None) -> str:
    return "" if trial is None else shown(trial.configuration)


def shown(configuration: Mapping[str, Plain]) -> str:
    """A configuration on one line.

    >>> shown({"lr": 0.123456, "hidden": 16})
    'lr=0.1235 hidden=16'
    """
    return " ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in configuration.items()
    )
