"""Charts of a training that runs: only their numbers are sent anew, and what was zoomed stays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from graphflow.figures import Chart
from graphflow.figures.theme import COLOURS

HEIGHT = 290
"""Pixels of a chart without its legend."""
ROW = 22
"""Pixels of a row of the legend, which names two curves."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
"""Of curves whose colours have been used before."""
WHEEL = "wheel![event.shiftKey]"
"""What zooms: the wheel alone moves the page."""


def charts(kind: str, found: Mapping[str, Chart]) -> None:
    """Charts two in a row."""
    cells = st.columns(2) if len(found) > 1 else [st.container()]
    for number, chart in enumerate(found.values()):
        st_cell = cells[number % len(cells)]
        st_cell.vega_lite_chart(
            points(chart), specification(chart), key=f"train_{kind}_{number}",
            alt=f"{chart.labels.title} over {chart.labels.x}; a table below has the last values",
        )  # fmt: skip


def points(chart: Chart) -> dict[str, list[object]]:
    """What can be drawn of a chart, a row a point: no NaN, and no 0 on an axis of powers of ten."""
    rows: dict[str, list[object]] = {"curve": [], "x": [], "y": []}
    for series in chart.series:
        y = np.asarray(series.y, np.float64)
        x = np.arange(len(y)) if series.x is None else np.asarray(series.x, np.float64)
        kept = np.isfinite(y) & ((y > 0) | ("y" not in chart.log))
        rows["curve"] += [series.name] * int(kept.sum())
        rows["x"] += x[kept].tolist()
        rows["y"] += y[kept].tolist()
    return rows


def specification(chart: Chart) -> dict[str, object]:
    """A chart in the grammar of Vega-Lite. It names the curves, never their numbers, so that new
    numbers do not make a new chart.
    """
    names = [series.name for series in chart.series]
    turns = [divmod(number, len(COLOURS)) for number in range(len(names))]
    colours = [COLOURS[place] for _, place in turns]
    dashes = [DASHES[turn % len(DASHES)] for turn, _ in turns]
    legend = {"orient": "top", "columns": 2, "labelLimit": 260, "title": None, "offset": 6,
              "padding": 0, "rowPadding": 2, "symbolSize": 60}  # fmt: skip
    shown = legend if chart.legend and len(names) > 1 else None
    rows = -(-len(names) // 2) if shown else 0
    scale = {"type": "log"} if "y" in chart.log else {"type": "linear", "zero": False}
    return {
        "height": HEIGHT + ROW * rows,
        "title": {"text": chart.labels.title, "anchor": "start"},
        "mark": {"type": "line", "clip": True, "point": {"size": 12}, "strokeWidth": 1.5},
        "params": [{"name": "zoom", "bind": "scales",
                    "select": {"type": "interval", "zoom": WHEEL}}],
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": chart.labels.x,
                  "scale": {"zero": False, "nice": False}},
            "y": {"field": "y", "type": "quantitative", "title": chart.labels.y, "scale": scale},
            "color": {"field": "curve", "type": "nominal", "legend": shown,
                      "scale": {"domain": names, "range": colours}},
            "strokeDash": {"field": "curve", "type": "nominal", "legend": shown,
                           "scale": {"domain": names, "range": dashes}},
            "tooltip": [{"field": "curve", "title": "curve"},
                        {"field": "x", "type": "quantitative", "title": chart.labels.x},
                        {"field": "y", "type": "quantitative", "format": ".4~g",
                         "title": chart.labels.y}],
        },
    }  # fmt: skip


def table(found: Mapping[str, Chart]) -> None:
    """The last values of all curves."""
    rows = [
        {"of": chart.labels.title, "curve": series.name, "value": float(series.y[-1])}
        for chart in found.values() for series in chart.series if len(series.y)
    ]  # fmt: skip
    st.dataframe(rows, hide_index=True)
