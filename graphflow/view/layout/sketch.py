"""What is to be laid out, and where it came to stand. Lengths are pixels at full size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from graphflow.view.drawing import Point

Direction = Literal["TB", "LR"]
"""The direction of reading: from top to bottom, or from left to right."""
Rectangle = tuple[float, float, float, float]
"""x and y of the upper left corner, width, height."""


@dataclass(frozen=True)
class Box:
    """A node or a closed group, ``w`` wide and ``h`` high, in the frame ``group`` ("": in none)."""

    id: str
    w: float
    h: float
    group: str = ""


@dataclass(frozen=True)
class Frame:
    """An open group, drawn as a frame around what is in it.

    Its title takes ``header`` at the top and is at least ``title_w`` wide; ``pad`` is left free on
    all sides. A frame must have something in it; with ``abreast`` that stands side by side, as
    given, equal frames are laid out equally, and links back between neighbours run in the gap.
    """

    id: str
    parent: str = ""
    title_w: float = 0.0
    header: float = 20.0
    pad: float = 10.0
    abreast: bool = False


@dataclass(frozen=True)
class Link:
    """An edge between two boxes, wherever they stand.

    A label of the given size is placed on it. Links of one ``value`` (which is the source, if not
    said) run together as far as they can and are labelled once. ``back`` says that the link leads
    against the direction of reading, as what a loop carries on does.
    """

    source: str
    target: str
    label_w: float = 0.0
    label_h: float = 0.0
    back: bool = False
    value: str = ""


@dataclass(frozen=True)
class Route:
    """The way of one link. :func:`graphflow.view.layout.curve` draws it.

    ``label`` is the middle of its label; None if it has none, or if another link of the same value
    carries it. ``back`` holds for links said to lead back and for those that close a cycle.
    """

    points: tuple[Point, ...]
    label: Point | None = None
    back: bool = False


@dataclass(frozen=True)
class Placed:
    """The layout: middles of boxes, rectangles of frames, one route for each link, in its order."""

    width: float
    height: float
    boxes: Mapping[str, Point]
    frames: Mapping[str, Rectangle]
    routes: tuple[Route, ...]
