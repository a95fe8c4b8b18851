"""Texts under their titles."""

from __future__ import annotations

import textwrap

import plotly.graph_objects as go

from graphflow.figures.descriptions import Words
from graphflow.figures.theme import figure, safe

WIDTH = 96


def draw_words(words: Words) -> go.Figure:
    """A table of two columns; lines are broken where they are too long, spaces are kept."""
    rows = [(title, _lines(text)) for title, text in words.rows]
    height = 40 + sum(max(24, 8 + 18 * len(lines)) for _, lines in rows)
    made = figure(words.labels, height=height, below=8)
    titled = any(title for title, _ in rows)
    texts = ["<br>".join(safe(line) or " " for line in lines) for _, lines in rows]
    columns = [[safe(title) for title, _ in rows], texts] if titled else [texts]
    made.add_trace(go.Table(
        columnwidth=[1, 5] if titled else [1],
        header={"values": [""] * len(columns), "height": 4},
        cells={"values": columns, "align": "left", "height": 24,
               "font": {"family": "ui-monospace, 'DejaVu Sans Mono', monospace", "size": 13}},
    ))  # fmt: skip
    return made


def _lines(text: str) -> list[str]:
    """A text in lines of at most :data:`WIDTH` characters."""
    found: list[str] = []
    for line in text.splitlines() or [""]:
        found += textwrap.wrap(line, WIDTH, drop_whitespace=False, replace_whitespace=False) or [""]
    return found
