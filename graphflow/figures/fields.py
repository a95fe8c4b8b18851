"""Matrices as colours, functions of two variables as level lines or surfaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from graphflow.figures.descriptions import Contour, Heatmap, Panel, Trajectory
from graphflow.figures.theme import (
    DIVERGING,
    SEQUENTIAL,
    Numbers,
    colour,
    figure,
    finite,
    safe,
)

LEVELS = 24
ANNOTATED = 24
"""Rows up to which numbers stand in the cells."""
TICK = 17
"""Pixels of an axis that one word needs; where there are more words, every nth is shown."""
WIDTH = 900
"""About how many pixels of the page all panels of a row have."""
NARROW = 640
"""How many they have at least, in the studio on a small screen."""
CAMERA = {"eye": {"x": 1.1, "y": 1.25, "z": 1.25}, "center": {"x": 0, "y": 0, "z": -0.12}}
"""From where a surface is seen: from above, and far enough off that its axes are whole."""
FEW_STEPS = 30
"""Steps of a path up to which each is marked; more of them would cover what they lie on."""
LIFT = 0.02
"""How far above a surface a path is drawn, as a share of the surface's height: it lies on it."""
FEW_PLACES = 10
"""Rows and columns up to which each has its number."""
CELL = 18
"""The size of a word in a cell."""
GAPS = 40
"""Rows and columns up to which cells stand apart."""


def draw_heatmap(heatmap: Heatmap) -> go.Figure:
    """Each panel as a matrix of squares, all under one colour scale, the first row at the top."""
    panels = list(heatmap.panels)
    columns = max(1, min(heatmap.columns, len(panels)))
    rows = max(1, -(-len(panels) // columns))
    each, between = _panel_height(panels, columns), _between(panels)
    height = rows * each + (rows - 1) * between
    base = figure(heatmap.labels, height=height, above=20 if any(p.title for p in panels) else 0)
    made = make_subplots(
        rows=rows, cols=columns, subplot_titles=[safe(p.title) for p in panels],
        horizontal_spacing=_beside(panels, columns), vertical_spacing=between / height,
    )  # fmt: skip
    low, high = heatmap.range or limits([p.values for p in panels], heatmap.diverging)
    for index, panel in enumerate(panels):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        made.add_trace(_matrix(panel, heatmap.annotated), **place)
        down, across = panel.values.shape
        words = _ticks(panel.column_ticks, across, WIDTH // columns)
        made.update_xaxes(words | _square(index), **place)
        made.update_yaxes({**_ticks(panel.row_ticks, down, each), "autorange": "reversed",
                           "constrain": "domain"}, **place)  # fmt: skip
        if index % columns == 0:
            made.update_yaxes(title_text=safe(heatmap.labels.y), **place)
        if index + columns >= len(panels):
            made.update_xaxes(title_text=safe(heatmap.labels.x), **place)
    made.update_annotations(font_size=12)
    made.update_layout(base.layout)
    scale = DIVERGING if heatmap.diverging else SEQUENTIAL
    bar = {"title": {"text": safe(heatmap.labels.z)}, "len": min(1.0, 320 / height)}
    made.update_layout(
        coloraxis={"colorscale": scale, "cmin": low, "cmax": high, "colorbar": bar},
        showlegend=False,
    )
    return made


def _between(panels: Sequence[Panel]) -> int:
    """Pixels between rows of panels: room for slanted words and the next row's titles."""
    words = [word for panel in panels for word in panel.column_ticks]
    return 52 + 5 * min(14, max(map(len, words), default=1))


def _beside(panels: Sequence[Panel], columns: int) -> float:
    """The share of the width between two panels of a row: room for the words at the right one's
    rows, on the narrowest page as well.
    """
    longest = max((len(word) for panel in panels for word in panel.row_ticks), default=0)
    room = (16 + 7 * min(14, longest)) / NARROW if longest else 0
    return max(0.06 / columns + 0.02, min(room, 0.5 / columns))


def _panel_height(panels: Sequence[Panel], columns: int) -> int:
    """A height that lets panels be about square at a page's width."""
    rows = max((len(p.values) for p in panels), default=1)
    widest = {1: 460, 2: 380, 3: 300}.get(columns, 250)
    return int(max(150, min(widest, 36 * rows + 60)))


def limits(arrays: Sequence[object], diverging: bool) -> tuple[float, float]:
    """The ends of a colour scale: the smallest and largest number, or as far on both sides of 0."""
    values = np.concatenate([finite(np.asarray(a)).reshape(-1) for a in arrays] or [np.zeros(1)])
    values = values[np.isfinite(values)]
    if not values.size:
        return (-1.0, 1.0) if diverging else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if diverging:
        far = max(abs(low), abs(high)) or 1.0
        return -far, far
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _matrix(panel: Panel, annotated: bool) -> go.Heatmap:
    values = finite(panel.values)
    numbers = "%{z:.3~g}" if annotated and len(values) <= ANNOTATED else None
    gap = 1 if max(values.shape) <= GAPS else 0
    return go.Heatmap(
        z=values, coloraxis="coloraxis", xgap=gap, ygap=gap,
        text=[[safe(word) for word in row] for row in panel.cells] or None,
        texttemplate="%{text}" if panel.cells else numbers,
        textfont={"size": CELL} if panel.cells else None,
        hovertemplate="row %{y}, column %{x}: %{z:.4~g}<extra></extra>",
    )  # fmt: skip


def _ticks(words: Sequence[str], count: int, pixels: int) -> dict[str, object]:
    """Words as ticks at 0, 1, ..; the axis stays one of numbers, since words may come twice.

    Without words every place of a few has its number, and there is none between them.
    """
    found: dict[str, object] = {"showgrid": False}
    if count <= FEW_PLACES:
        found["dtick"] = 1
    if words:
        every = -(-len(words) * TICK // pixels)
        places = list(range(0, len(words), every))
        found |= {"tickmode": "array", "tickvals": places,
                  "ticktext": [safe(words[i]) for i in places]}  # fmt: skip
    return found


def _square(index: int) -> dict[str, object]:
    return {"scaleanchor": f"y{index + 1 if index else ''}", "constrain": "domain"}


def draw_contour(contour: Contour) -> go.Figure:
    """Level lines, or a surface, and the way of a run over it from its start to its end."""
    made = figure(contour.labels, height=560 if contour.surface else 460)
    z = finite(contour.z)
    shown, bar = _levels(z, contour.log, contour.labels.z)
    x, y = finite(contour.x), finite(contour.y)
    if contour.surface:
        made.add_trace(go.Surface(x=x, y=y, z=z, surfacecolor=shown, colorscale=SEQUENTIAL,
                                  colorbar=bar, opacity=0.8))  # fmt: skip
    else:
        made.add_trace(go.Contour(
            x=x, y=y, z=shown, customdata=z, colorscale=SEQUENTIAL, colorbar=bar,
            ncontours=LEVELS, line={"width": 1}, contours={"coloring": "heatmap"},
            hovertemplate="%{x:.4~g}, %{y:.4~g}: %{customdata:.4~g}<extra></extra>",
        ))  # fmt: skip
    for index, path in enumerate(contour.paths):
        for trace in _way(path, index, LIFT * _height(z) if contour.surface else None):
            made.add_trace(trace)
    labels = contour.labels
    if contour.surface:
        words = {"xaxis": labels.x, "yaxis": labels.y, "zaxis": labels.z}
        axes = {n: {"title": {"text": safe(text)}, "nticks": 6} for n, text in words.items()}
        made.update_layout(scene={**axes, "camera": CAMERA, "aspectmode": "manual",
                                  "aspectratio": {"x": 1, "y": 1, "z": 0.7}})  # fmt: skip
    else:
        made.update_xaxes(title_text=safe(labels.x), range=[x[0], x[-1]], showgrid=False)
        made.update_yaxes(title_text=safe(labels.y), range=[y[0], y[-1]], showgrid=False)
    made.update_layout(showlegend=bool(contour.paths), legend=_INSIDE)
    return made


_INSIDE = {"x": 0.01, "xanchor": "left", "y": 0.99, "yanchor": "top",
           "bgcolor": "rgba(20, 24, 30, 0.6)", "font": {"color": "#ffffff"}}  # fmt: skip


def _levels(z: Numbers, log: bool, title: str) -> tuple[Numbers, dict[str, object]]:
    """The numbers that are coloured, and their colour bar: with ``log``, powers of ten above the
    lowest value, whose own distance of zero counts as a ten-millionth of the largest.
    """
    bar: dict[str, object] = {"title": {"text": safe(title)}, "thickness": 14, "outlinewidth": 0}
    if not log or not np.isfinite(z).any():
        return z, bar
    above = z - np.nanmin(z)
    least = max(float(np.nanmax(above)) * 1e-7, float(np.finfo(np.float64).tiny))
    powers = np.log10(np.maximum(above, least))
    ticks = np.arange(np.ceil(np.nanmin(powers)), np.floor(np.nanmax(powers)) + 1)
    lowest = float(np.nanmin(z))
    words = f"{title or 'value'} - {lowest:.3g}" if lowest > least else title
    text = [f"1e{int(tick)}" for tick in ticks]
    return powers, {**bar, "title": {"text": safe(words)}, "tickvals": ticks, "ticktext": text}


def _height(z: Numbers) -> float:
    return float(np.nanmax(z) - np.nanmin(z)) if np.isfinite(z).any() else 0.0


def _way(path: Trajectory, index: int, lift: float | None) -> list[object]:
    """A path as a line with its start and its end marked; ``lift`` above a surface, if on one."""
    x, y = finite(path.x).reshape(-1), finite(path.y).reshape(-1)
    ink = ("#ffffff", colour(4), colour(1), colour(3))[index % 4]
    name = safe(path.name)
    if lift is not None:
        z = np.zeros(len(x)) if path.z is None else finite(path.z)
        return [go.Scatter3d(x=x, y=y, z=z + lift, customdata=z, mode="lines+markers", name=name,
                             hovertemplate="%{x:.4~g}, %{y:.4~g}: %{customdata:.4~g}",
                             line={"color": colour(1), "width": 8},
                             marker={"color": colour(1), "size": 4})]  # fmt: skip
    ends = [0, len(x) - 1] if len(x) else []
    few = len(x) <= FEW_STEPS
    dot, edge, line, below = (6, 1, 2, 5) if few else (3, 0, 1, 2)
    return [
        go.Scatter(x=x, y=y, mode="lines", showlegend=False, hoverinfo="skip",
                   line={"color": "#222222", "width": below}),
        go.Scatter(x=x, y=y, mode="lines+markers", name=name,
                   line={"color": ink, "width": line},
                   marker={"color": ink, "size": dot, "line": {"color": "#222222", "width": edge}},
                   text=[f"step {n}" for n in range(len(x))]),
        go.Scatter(x=x[ends], y=y[ends], mode="markers", name="start, end", showlegend=False,
                   hoverinfo="skip",
                   marker={"symbol": ["circle", "star"], "size": [11, 15], "color": ink,
                           "line": {"color": "#222222", "width": 1}}),
    ]  # fmt: skip
