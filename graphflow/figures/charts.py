"""Lines, points, bars, histograms: what stands over two axes, and points in space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from graphflow.figures.descriptions import (
    Axis,
    Band,
    Bars,
    Chart,
    Cloud,
    Histogram,
    Labels,
    Log,
    Parallel,
    Series,
    Timeline,
)
from graphflow.figures.theme import (
    COLOURS,
    DASHES,
    SEQUENTIAL,
    SYMBOLS,
    Numbers,
    colour,
    figure,
    finite,
    safe,
)

HEIGHT = 380
MOST_POINTS = 4_000
"""Points of one line; longer ones keep the smallest and the largest of each stretch."""
ROW = 34
"""Pixels of a row of a timeline."""
FEW_TICKS = 16
MOST_DECADES, DECADES = 10, (1, 2, 5, 10, 20, 50, 100)
"""Labels of a logarithmic axis, about, and how many powers of ten may lie between two of them."""
FEW = 40
"""Points of a line up to which each is marked."""


def draw_chart(chart: Chart) -> go.Figure:
    """Each series as a trace. A logarithmic axis leaves out what is not positive."""
    made = figure(chart.labels, height=HEIGHT + 120 * chart.equal)
    groups = list(dict.fromkeys(s.group or s.name for s in chart.series))
    seen: dict[str, int] = {}
    for index, band in enumerate(chart.bands):
        made.add_traces(_shade(band, index, chart.log))
    for series in chart.series:
        group = series.group or series.name
        turn = seen[group] = seen.get(group, -1) + 1
        made.add_trace(_trace(series, chart, groups.index(group), turn))
    _axes(made, chart.labels, chart.log)
    _decades(made, chart.log)
    if chart.x_words:
        made.update_xaxes(tickmode="array", **_words_at_ticks(chart.x_words))
    else:
        _whole_ticks(made, chart)
    lines = all(s.mode != "markers" for s in chart.series)
    made.update_layout(
        showlegend=chart.legend and len(chart.series) + len(chart.bands) > 1,
        hovermode="x unified" if lines else "closest",
    )
    if chart.equal:
        made.update_yaxes(scaleanchor="x", constrain="domain")
    return made


def _trace(series: Series, chart: Chart, group: int, turn: int) -> go.Scatter:
    """``turn`` counts the series of one group; groups beyond the last colour have other dashes."""
    y = finite(series.y).reshape(-1)
    x = np.arange(len(y), dtype=np.float64) if series.x is None else finite(series.x).reshape(-1)
    if series.mode == "lines":
        x, y = thinned(x, y)
    few = series.mode == "lines" and np.count_nonzero(np.isfinite(y)) <= FEW
    ink, log = colour(group), chart.log
    dash = DASHES[(turn + group // len(COLOURS)) % len(DASHES)]
    symbol = SYMBOLS[group // len(COLOURS) % len(SYMBOLS)]
    opacity = 0.75 if len(y) > 200 else 0.9
    marker: dict[str, object] = {"color": ink, "symbol": symbol, "size": 6, "opacity": opacity}
    if series.color is not None:
        marker |= {"color": finite(series.color).reshape(-1), "colorscale": SEQUENTIAL,
                   "showscale": True,
                   "colorbar": {"title": {"text": safe(chart.labels.z)}}}  # fmt: skip
    return go.Scatter(
        x=_positive(x, "x" in log), y=_positive(y, "y" in log), name=safe(series.name),
        mode="lines+markers" if few else series.mode,
        line={"color": ink, "dash": dash, "width": 2}, marker=marker,
        text=[safe(word) for word in series.text] or None, textposition="top center",
    )  # fmt: skip


def _shade(band: Band, index: int, log: Log) -> list[go.Scatter]:
    """The two edges of a band; what lies between them has a fifth of its colour."""
    red, green, blue = (int(colour(index)[i : i + 2], 16) for i in (1, 3, 5))
    x = _positive(finite(band.x).reshape(-1), "x" in log)
    edges = [_positive(finite(edge).reshape(-1), "y" in log) for edge in (band.low, band.high)]
    line = {"mode": "lines", "line": {"width": 0, "color": colour(index)}, "hoverinfo": "skip"}
    fill = {"fill": "tonexty", "fillcolor": f"rgba({red}, {green}, {blue}, 0.2)"}
    return [
        go.Scatter(x=x, y=edges[0], showlegend=False, **line),
        go.Scatter(x=x, y=edges[1], name=safe(band.name), **line, **fill),
    ]


def _positive(values: Numbers, log: bool) -> Numbers:
    return np.where(values > 0, values, np.nan) if log else values


def thinned(x: Numbers, y: Numbers, most: int = MOST_POINTS) -> tuple[Numbers, Numbers]:
    """A long line in at most about ``most`` points that looks the same: of each stretch the first,
    the smallest, the largest and the last value stay.

    >>> x, y = thinned(np.arange(1e5), np.sin(np.arange(1e5)), 400)
    >>> len(x) <= 400, float(x[0]), float(x[-1]), bool(abs(y.max() - 1) < 1e-6)
    (True, 0.0, 99999.0, True)
    """
    if len(y) <= most:
        return x, y
    edges = np.linspace(0, len(y), most // 4 + 1).astype(int)
    kept = set()
    for start, stop in pairwise(edges):
        part = y[start:stop]
        kept |= {start, stop - 1}
        if np.isfinite(part).any():
            kept |= {start + int(np.nanargmin(part)), start + int(np.nanargmax(part))}
    places = np.array(sorted(kept))
    return x[places], y[places]


def _axes(made: go.Figure, labels: Labels, log: Log) -> None:
    for axis, title, limits in (("x", labels.x, labels.x_range), ("y", labels.y, labels.y_range)):
        change: dict[str, object] = {"title": {"text": safe(title)}}
        if axis in log:
            change |= {"type": "log", "exponentformat": "power"}
        if limits is not None:
            change["range"] = np.log10(limits).tolist() if axis in log else list(limits)
        made.update_layout({f"{axis}axis": change})


def _decades(made: go.Figure, log: Log) -> None:
    """Ticks of logarithmic axes: powers of ten alone, not each where many, or 2 and 5 between them
    where few, which are written out in full: 0.2, not 2.
    """
    for axis in log:
        given = [np.asarray(trace[axis], np.float64) for trace in made.data]
        values = np.concatenate([v[v > 0] for v in given] or [np.zeros(0)])
        low, high = np.log10([values.min(), values.max()]) if values.size else (0.0, 4.0)
        low, high = made.layout[f"{axis}axis"].range or (low, high)
        if high - low > 3:
            step = next((s for s in DECADES if high - low <= MOST_DECADES * s), DECADES[-1])
            made.update_layout({f"{axis}axis": {"dtick": step}})
            continue
        low, high = int(np.floor(low)), int(np.floor(high))
        ticks = [m * 10.0**power for power in range(low, high + 2) for m in (1, 2, 5)]
        words = {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
        made.update_layout({f"{axis}axis": {"tickmode": "array", **words}})


def _whole_ticks(made: go.Figure, chart: Chart) -> None:
    """No ticks between whole numbers where all x are whole and few: half an epoch is none."""
    values = np.concatenate([np.asarray(trace.x) for trace in made.data] or [np.zeros(0)])
    values = values[np.isfinite(values)]
    few = values.size and np.ptp(values) <= FEW_TICKS and (values == np.round(values)).all()
    if few and "x" not in chart.log:
        made.update_xaxes(dtick=1)


def _words_at_ticks(words: Sequence[str]) -> dict[str, list[object]]:
    return {"tickvals": list(range(len(words))), "ticktext": [safe(word) for word in words]}


def draw_bars(bars: Bars) -> go.Figure:
    """One bar for each category and series."""
    made = figure(bars.labels, height=HEIGHT)
    categories = [safe(word) for word in bars.categories]
    for index, (name, values) in enumerate(zip(bars.names, bars.values, strict=True)):
        made.add_trace(go.Bar(
            x=categories, y=_positive(finite(values), "y" in bars.log), name=safe(name),
            marker={"color": colour(index)},
        ))  # fmt: skip
    _axes(made, bars.labels, bars.log)
    _decades(made, bars.log)
    made.update_xaxes(type="category")
    made.update_layout(barmode="group", showlegend=len(bars.names) > 1)
    return made


def draw_histogram(histogram: Histogram) -> go.Figure:
    """Counts over common intervals, worked out here: the page holds counts, not the samples."""
    made = figure(histogram.labels, height=HEIGHT)
    samples = [(name, finite(values).reshape(-1)) for name, values in histogram.samples]
    samples = [(name, values[np.isfinite(values)]) for name, values in samples]
    everything = np.concatenate([values for _, values in samples] or [np.zeros(0)])
    edges = _edges(everything, histogram.bins)
    middles = (edges[:-1] + edges[1:]) / 2
    for index, (name, values) in enumerate(samples):
        counts = np.histogram(values, edges)[0].astype(np.float64)
        made.add_trace(go.Bar(
            x=middles, y=_positive(counts, "y" in histogram.log), width=np.diff(edges),
            name=safe(name),
            marker={"color": colour(index), "opacity": 0.65 if len(samples) > 1 else 0.9},
        ))  # fmt: skip
    _axes(made, histogram.labels, histogram.log)
    _decades(made, histogram.log)
    made.update_layout(barmode="overlay", bargap=0, showlegend=len(samples) > 1)
    return made


def _edges(values: Numbers, bins: int) -> Numbers:
    """Of intervals of equal width; around numbers too close to be divided, wider than they are."""
    if not values.size:
        return np.linspace(0, 1, bins + 1)
    most = np.finfo(np.float64).max / 4
    low, high = np.clip([values.min(), values.max()], -most, most).tolist()
    least = 4 * bins * float(np.spacing(max(abs(low), abs(high))))
    if high == low:
        least = max(least, 1.0)
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    return np.histogram_bin_edges(values, bins, (low, high))


def draw_cloud(cloud: Cloud) -> go.Figure:
    """Points in space, one colour a group."""
    made = figure(cloud.labels, height=560, below=16)
    points = finite(cloud.points)
    groups = list(cloud.groups) or [""] * len(points)
    for index, group in enumerate(dict.fromkeys(groups)):
        mine = [i for i, each in enumerate(groups) if each == group]
        made.add_trace(go.Scatter3d(
            x=points[mine, 0], y=points[mine, 1], z=points[mine, 2], mode="markers",
            name=safe(group), marker={"color": colour(index), "size": 3},
            text=_words(cloud.text, mine),
        ))  # fmt: skip
    titles = {f"{axis}axis": {"title": {"text": safe(text)}}
              for axis, text in zip("xyz", (cloud.labels.x, cloud.labels.y, cloud.labels.z),
                                    strict=True)}  # fmt: skip
    made.update_layout(scene=titles, showlegend=len(set(groups)) > 1)
    return made


def _words(text: Sequence[str], chosen: Sequence[int]) -> list[str] | None:
    return [safe(text[i]) for i in chosen] if text else None


def draw_timeline(timeline: Timeline) -> go.Figure:
    """A bar for each span, a short upright line for each moment."""
    used = {span.row for span in timeline.spans} | {moment.row for moment in timeline.moments}
    rows = sorted(used)
    made = figure(timeline.labels, height=ROW * (len(rows) + 1))
    for span in timeline.spans:
        made.add_trace(go.Bar(
            x=[span.end - span.begin], base=[span.begin], y=[span.row], orientation="h", width=0.7,
            marker={"color": colour(span.group), "line": {"width": 1, "color": "white"}},
            text=safe(span.text), textposition="inside", insidetextanchor="middle",
            hovertext=safe(span.about), hoverinfo="text",
        ))  # fmt: skip
    made.add_trace(go.Scatter(
        x=[one.time for one in timeline.moments], y=[one.row for one in timeline.moments],
        mode="markers", hoverinfo="text", hovertext=[safe(one.about) for one in timeline.moments],
        marker={"symbol": "line-ns-open", "size": 12, "color": "rgba(0,0,0,0.55)"},
    ))  # fmt: skip
    _axes(made, timeline.labels, "")
    made.update_yaxes(tickvals=rows, autorange="reversed")
    made.update_layout(barmode="overlay", showlegend=False)
    return made


def draw_parallel(parallel: Parallel) -> go.Figure:
    """A line for each that has a place on every axis."""
    made = figure(parallel.labels, height=HEIGHT - 60, above=44, below=24)
    columns = [_positive(finite(axis.values), axis.log) for axis in parallel.axes]
    whole = np.isfinite([*columns, finite(parallel.color)]).all(axis=0)
    axes = [_upright(axis, v[whole]) for axis, v in zip(parallel.axes, columns, strict=True)]
    line = {"color": finite(parallel.color)[whole], "colorscale": SEQUENTIAL, "showscale": False}
    made.add_trace(go.Parcoords(dimensions=axes, line=line))
    made.update_layout(margin={"l": 70, "r": 70})
    return made


def _upright(axis: Axis, values: Numbers) -> dict[str, object]:
    """An axis as plotly takes it; it knows no logarithms, so that they are its numbers here."""
    if axis.words:
        return {"label": safe(axis.name), "values": values, **_words_at_ticks(axis.words)}
    if not axis.log or not values.size:
        return {"label": safe(axis.name), "values": values}
    places = np.log10(values)
    ticks = np.linspace(places.min(), places.max(), 5)
    return {"label": safe(axis.name), "values": places, "tickvals": ticks,
            "ticktext": [f"{10**tick:.2g}" for tick in ticks]}  # fmt: skip
