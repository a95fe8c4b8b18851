"""The way of a link as an SVG path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from graphflow.view.drawing import Point
from graphflow.view.layout.sketch import Direction

ROUND = 6.0


def curve(points: Sequence[Point], direction: Direction = "TB", back: bool = False) -> str:
    """The ``d`` of a path through the points of a route.

    A link goes on in the direction of reading at each point, straight or by a cubic curve; one that
    leads back goes along its lane, its corners rounded.

    >>> curve([(0, 0), (10, 20), (10, 30)])
    'M0 0C0 10 10 10 10 20L10 30'
    """
    steps = _corners(points) if back else _strokes(points, direction)
    return f"M{_text(points[0])}" + "".join(steps)


def _strokes(points: Sequence[Point], direction: Direction) -> Iterator[str]:
    """Lines and cubic curves, tangent to the direction of reading."""
    for (x, y), (to_x, to_y) in pairwise(points):
        if direction == "TB":
            straight, middle = abs(x - to_x) < 0.05, (y + to_y) / 2
            controls = (x, middle), (to_x, middle)
        else:
            straight, middle = abs(y - to_y) < 0.05, (x + to_x) / 2
            controls = (middle, y), (middle, to_y)
        end = _text((to_x, to_y))
        yield f"L{end}" if straight else f"C{_text(controls[0])} {_text(controls[1])} {end}"


def _corners(points: Sequence[Point]) -> Iterator[str]:
    """Straight lines with rounded corners."""
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        yield f"L{_text(_towards(corner, before))}"
        yield f"Q{_text(corner)} {_text(_towards(corner, after))}"
    yield f"L{_text(points[-1])}"


def _towards(corner: Point, other: Point) -> Point:
    """The point where the rounding of a corner ends."""
    distance = hypot(other[0] - corner[0], other[1] - corner[1])
    share = min(ROUND / distance, 0.5) if distance else 0.0
    return (
        corner[0] + (other[0] - corner[0]) * share,
        corner[1] + (other[1] - corner[1]) * share,
    )


def _text(point: Point) -> str:
    """A point with at most one decimal.

    >>> _text((1.0, -0.04))
    '1 0'
    """
    return " ".join(f"{round(c, 1) + 0.0:g}" if abs(c) < 1e5 else f"{c:.1f}" for c in point)
