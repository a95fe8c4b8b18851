"""How large boxes and their words are, in pixels at full size; who paints keeps to the same."""

from __future__ import annotations

from collections.abc import Sequence

LABEL, SUB, EDGE = 7.2, 6.2, 5.8
"""Width of a character of a name (12 px, bold), of what stands below it (11 px), on edges (10 px).
"""
LINE = 15.0
"""Height of a line in a box."""
MARGIN_X, MARGIN_Y = 12.0, 6.0
SIGN = 18.0
"""Width of the sign that opens or closes a group."""
NARROWEST, WIDEST = 56.0, 240.0


def node_size(label: str, lines: Sequence[str], signs: int = 0) -> tuple[float, float]:
    """Width and height of a box: its name with some signs before it, and lines below."""
    widths = [LABEL * len(label) + SIGN * signs, *(SUB * len(line) for line in lines)]
    width = min(max(NARROWEST, max(widths) + 2 * MARGIN_X), WIDEST)
    return float(round(width)), LINE * (1 + len(lines)) + 2 * MARGIN_Y


def label_size(text: str) -> tuple[float, float]:
    """Width and height of an edge's label."""
    return (round(EDGE * len(text) + 6.0), 13.0) if text else (0.0, 0.0)


def title_width(text: str, length: int) -> float:
    """The width that the title of a frame needs; a loop's tells its ``length``, too."""
    steps = LABEL * len(str(length)) + SIGN if length else 0.0
    return round(LABEL * len(text) + steps + SIGN + 16.0)
