"""How large boxes and their words are, in pixels at full size; who paints keeps to the same."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.ir.types import TensorType, ValueType

LABEL, SUB, EDGE = 7.2, 6.2, 5.8
"""Width of a character of a name (12 px, bold), of what stands below it (11 px), on edges (10 px).
"""
LINE = 15.0
"""Height of a line in a box."""
MARGIN_X, MARGIN_Y = 12.0, 6.0
NUMBER, STATISTIC = 70.0, 108.0
"""Width of a single number, and of what is said of many."""
STATE = 20.0
"""Width beside a name, where a box says how far it has come."""
SIGN = 18.0
"""Width of the sign that opens or closes a group."""
UNROLL = 70.0
"""Width of what unrolls a loop in time."""
NARROWEST, WIDEST = 56.0, 240.0


def node_size(
    label: str, lines: Sequence[str], signs: int = 0, values: Sequence[float] = ()
) -> tuple[float, float]:
    """Width and height of a box: its name with some signs before it, lines below, and then
    ``values`` that are as wide as said.
    """
    name = LABEL * len(label) + SIGN * signs + 2 * (STATE - MARGIN_X)
    widths = [name, *(SUB * len(line) for line in lines), *values]
    width = min(max(NARROWEST, max(widths) + 2 * MARGIN_X), WIDEST)
    return float(round(width)), LINE * (1 + len(lines) + len(values)) + 2 * MARGIN_Y


def value_widths(kind: ValueType) -> tuple[float, ...]:
    """The lines of a value of this type: its own, and for real numbers its gradient's."""
    if not isinstance(kind, TensorType):
        return STATISTIC, STATISTIC
    width = NUMBER if kind.size == 1 else STATISTIC
    return (width, width) if kind.dtype.is_float else (width,)


def label_size(text: str) -> tuple[float, float]:
    """Width and height of an edge's label."""
    return (round(EDGE * len(text) + 6.0), 13.0) if text else (0.0, 0.0)


def title_width(text: str, length: int) -> float:
    """The width that the title of a frame needs; a loop's tells its ``length``, too."""
    steps = LABEL * len(str(length)) + SIGN + UNROLL if length else 0.0
    return round(LABEL * len(text) + steps + SIGN + 16.0)
