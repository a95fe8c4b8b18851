"""How all figures look: colours that colour-blind people can tell apart, in light and in dark."""

from __future__ import annotations

import html
import textwrap

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from graphflow.figures.descriptions import Array, Labels

Numbers = npt.NDArray[np.float64]

COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F",
)  # fmt: skip
"""Okabe and Ito's colours (2008); the yellow, which is lost on white, gives way to brown."""
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up")
"""Of points, after all colours have been used once."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SEQUENTIAL = "Viridis"
DIVERGING = "RdBu_r"
WIDE = 88
"""Characters of a title's line."""
NOTE = 13
"""Pixels of the letters of a note."""

_INK = {"light": "#24292f", "dark": "#d7dce2"}
_GRID = {"light": "#e3e6ea", "dark": "#3a414b"}
_PAPER = {"light": "#ffffff", "dark": "#171b21"}


def template(theme: str) -> go.layout.Template:
    """The ``light`` or the ``dark`` template."""
    ink, grid, paper = _INK[theme], _GRID[theme], _PAPER[theme]
    axis = {
        "gridcolor": grid, "linecolor": grid, "zerolinecolor": grid, "zeroline": False,
        "ticks": "outside", "tickcolor": grid, "automargin": True, "title": {"standoff": 8},
    }  # fmt: skip
    space = {"gridcolor": grid, "backgroundcolor": paper, "zerolinecolor": grid}
    return go.layout.Template(
        layout={
            "font": {"family": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", "size": 13,
                     "color": ink},
            "title": {"x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container",
                      "yanchor": "top", "pad": {"t": 18, "l": 10}, "font": {"size": 16}},
            "paper_bgcolor": paper, "plot_bgcolor": paper, "colorway": list(COLOURS),
            "xaxis": axis, "yaxis": axis,
            "scene": {"xaxis": space, "yaxis": space, "zaxis": space},
            "hoverlabel": {"font": {"family": "monospace"}},
            "coloraxis": {"colorbar": {"outlinewidth": 0, "thickness": 14}},
        },
        data={"table": [{"header": {"fill": {"color": paper}, "font": {"color": ink},
                                    "line": {"color": grid}},
                         "cells": {"fill": {"color": paper}, "font": {"color": ink},
                                   "line": {"color": grid}}}]},
    )  # fmt: skip


def figure(labels: Labels, *, height: int, above: int = 0, below: int = 56) -> go.Figure:
    """An empty figure with its title; its width is that of the page it stands on.

    ``height`` is that of the drawing between the margins, ``below`` the margin at the bottom,
    ``above`` what the margin at the top has besides the title.
    """
    small = (
        f'<span style="font-size: {NOTE}px">{line}</span>' for line in wrapped(labels.note, 110)
    )
    lines = [*wrapped(labels.title), *small]
    top = 28 + above + 22 * len(lines)
    made = go.Figure()
    made.update_layout(
        template=template("light"),
        title={"text": "<br>".join(lines)},
        height=height + top + below,
        margin={"l": 64, "r": 24, "t": top, "b": below},
    )
    return made


def wrapped(text: str, width: int = WIDE) -> list[str]:
    """A text in lines, safe to show: plotly reads some tags of HTML, a user's text holds none.

    >>> wrapped("p < 0.05")
    ['p &lt; 0.05']
    """
    return [safe(line) for line in textwrap.wrap(text, width)]


def safe(text: str) -> str:
    """A text that plotly shows as it is."""
    return html.escape(text, quote=False)


def finite(values: Array) -> Numbers:
    """Numbers as float64, with NaN for all that are not finite: plotly leaves gaps there; no -0.

    >>> finite(np.array([1, -0.0, np.inf])).tolist()
    [1.0, 0.0, nan]
    """
    numbers = np.asarray(values, dtype=np.float64)
    return 0.0 + np.where(np.isfinite(numbers), numbers, np.nan)


def colour(index: int) -> str:
    """The colour of the nth series; they begin again after the last."""
    return COLOURS[index % len(COLOURS)]
