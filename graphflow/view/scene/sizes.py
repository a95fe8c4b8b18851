"""How large boxes and their words are, in pixels at full size; who paints keeps to the same."""

from __future__ import annotations

from collections.abc import Sequence

LABEL, SUB, INLINE, EDGE, TITLE = 7.4, 6.2, 5.8, 5.8, 6.8
"""Width of a character: the name (13 px, bold), what it does (11 px), parameters and edges (10 px),
the title of a frame (12 px).
"""
LABEL_LINE, SUB_LINE, INLINE_LINE = 17.0, 14.0, 13.0
"""Height of a line of each kind."""
MARGIN_X, MARGIN_Y = 12.0, 6.0
NARROWEST, WIDEST = 56.0, 220.0


def node_size(label: str, sub: str, inline: Sequence[str]) -> tuple[float, float]:
    """Width and height of a box: its name, what it does, and a line for each parameter."""
    widths = [LABEL * len(label), SUB * len(sub), *(INLINE * len(line) for line in inline)]
    height = LABEL_LINE + SUB_LINE * bool(sub) + INLINE_LINE * len(inline)
    width = min(max(NARROWEST, max(widths) + 2 * MARGIN_X), WIDEST)
    return float(round(width)), height + 2 * MARGIN_Y


def label_size(text: str) -> tuple[float, float]:
    """Width and height of an edge's label."""
    return (round(EDGE * len(text) + 6.0), 13.0) if text else (0.0, 0.0)


def title_width(text: str) -> float:
    """The width that a frame's title needs, with room for the sign that closes it."""
    return round(TITLE * len(text) + 30.0)
