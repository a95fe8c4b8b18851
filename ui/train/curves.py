"""Charts of a training that runs: only their numbers are sent anew, and what was zoomed stays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from graphflow.figures import Chart
from graphflow.figures.theme import COLOURS
from ui.widgets.charts import named

HEIGHT = 330
"""Pixels of a chart without its legend."""
INK = {"light": "#4a5568", "dark": "#c3ccd9"}
"""Of what is written on an axis: to be read on either ground."""
DECADE = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
"""Whether a line of a grid is at a power of ten."""
ROW = 22
"""Pixels of a row of the legend, which names two curves."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
"""Of curves whose colours have been used before."""
FIRST_TO_LAST = ["#0072B2", "#009E73", "#E69F00", "#D55E00"]
"""Of curves that are too many to name."""
WHEEL = "wheel![event.shiftKey]"
"""What zooms: the wheel alone moves the page."""


def charts(kind: str, found: Mapping[str, Chart]) -> None:
    """Charts two in a row."""
    theme = st.context.theme.type or "light"
    cells = st.columns(2) if len(found) > 1 else [st.container()]
    for number, chart in enumerate(found.values()):
        rows = points(chart)
        if not rows["x"]:
            continue
        cells[number % len(cells)].vega_lite_chart(
            spec={**specification(chart, theme), **named(rows)}, key=f"train_{kind}_{number}",
            alt=f"{chart.labels.title} over {chart.labels.x}; a table below has the last values",
        )  # fmt: skip


def points(chart: Chart) -> dict[str, list[object]]:
    """What can be drawn of a chart, a row a point: no NaN, and no 0 on an axis of powers of ten."""
    rows: dict[str, list[object]] = {"curve": [], "place": [], "x": [], "y": []}
    for number, series in enumerate(chart.series):
        y = np.asarray(series.y, np.float64)
        x = np.arange(len(y)) if series.x is None else np.asarray(series.x, np.float64)
        kept = np.isfinite(y) & ((y > 0) | ("y" not in chart.log))
        rows["curve"] += [series.name] * int(kept.sum())
        rows["place"] += [number] * int(kept.sum())
        rows["x"] += x[kept].tolist()
        rows["y"] += y[kept].tolist()
    return rows


def specification(chart: Chart, theme: str) -> dict[str, object]:
    """A chart in the grammar of Vega-Lite. It names the curves, never their numbers, so that new
    numbers do not make a new chart.
    """
    rows = -(-len(chart.series) // 2) if chart.legend and len(chart.series) > 1 else 0
    log = "y" in chart.log
    scale = {"type": "log"} if log else {"type": "linear", "zero": False}
    ink = INK[theme]
    lines: dict[str, object] = {"tickCount": 6}
    if log:
        lines["gridOpacity"] = {"condition": {"test": DECADE, "value": 1}, "value": 0}
    return {
        "height": HEIGHT + ROW * rows,
        "padding": {"left": 5, "right": 16, "top": 5, "bottom": 5},
        "title": {"text": chart.labels.title, "anchor": "start", "offset": 8},
        "config": {kind: {"labelColor": ink, "titleColor": ink} for kind in ("axis", "legend")},
        "mark": {"type": "line", "clip": True, "point": {"size": 12}, "strokeWidth": 1.5},
        "params": [{"name": "zoom", "bind": "scales",
                    "select": {"type": "interval", "zoom": WHEEL}}],
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": chart.labels.x,
                  "axis": {"tickCount": 6}, "scale": {"zero": False, "nice": False}},
            "y": {"field": "y", "type": "quantitative", "title": chart.labels.y, "axis": lines,
                  "scale": scale},
            **(_by_name(chart) if chart.legend else _by_place(chart)),
            "tooltip": [{"field": "curve", "title": "curve"},
                        {"field": "x", "type": "quantitative", "title": chart.labels.x},
                        {"field": "y", "type": "quantitative", "format": ".4~g",
                         "title": chart.labels.y}],
        },
    }  # fmt: skip


def _by_name(chart: Chart) -> dict[str, object]:
    """Each curve in a colour of its own, or in one with dashes, and its name above."""
    names = [series.name for series in chart.series]
    turns = [divmod(number, len(COLOURS)) for number in range(len(names))]
    colours = [COLOURS[place] for _, place in turns]
    dashes = [DASHES[turn % len(DASHES)] for turn, _ in turns]
    legend = {"orient": "top", "columns": 2, "labelLimit": 260, "title": None, "offset": 6,
              "padding": 0, "rowPadding": 2, "symbolSize": 60}  # fmt: skip
    shown = legend if chart.legend and len(names) > 1 else None
    return {
        "color": {"field": "curve", "type": "nominal", "legend": shown,
                  "scale": {"domain": names, "range": colours}},
        "strokeDash": {"field": "curve", "type": "nominal", "legend": shown,
                       "scale": {"domain": names, "range": dashes}},
    }  # fmt: skip


def _by_place(chart: Chart) -> dict[str, object]:
    """So many curves that their names would fill the page: colours from the first to the last, and
    the name of the one that the mouse is at.
    """
    last = len(chart.series) - 1
    legend = {
        "orient": "top", "direction": "horizontal", "gradientLength": 160, "titleOrient": "left",
        "title": "in the order of the file", "values": [0, last],
        "labelExpr": "datum.value == 0 ? 'first' : 'last'",
    }  # fmt: skip
    return {
        "color": {"field": "place", "type": "quantitative", "legend": legend,
                  "scale": {"domain": [0, last], "range": FIRST_TO_LAST}},
        "detail": {"field": "curve", "type": "nominal"},
    }  # fmt: skip


def table(found: Mapping[str, Chart]) -> None:
    """The last values of all curves."""
    rows = [
        {"of": chart.labels.title, "curve": series.name, "value": float(series.y[-1])}
        for chart in found.values() for series in chart.series if len(series.y)
    ]  # fmt: skip
    st.dataframe(rows, hide_index=True)
