"""What is to be drawn, as plain frozen data: no model, no run, no plotly.

Each class is one form of picture; :func:`graphflow.figures.draw` makes a plotly figure of it. All
arrays are NumPy arrays; what is not finite is left out of the drawing, never an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Log = Literal["", "x", "y", "xy"]
"""Which axes count in powers of ten."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The words around a picture, and the ranges of its axes where they are given."""

    title: str = ""
    x: str = ""
    y: str = ""
    z: str = ""
    note: str = ""
    """A sentence below the title: what was left out, what the numbers are."""
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """Points (n,) in order; without ``x`` they are counted from 0. ``color`` has a number a point,
    ``text`` a word a point, shown beside it (``markers+text``) or where the pointer is.
    """

    name: str
    y: Array
    x: Array | None = None
    mode: Literal["lines", "markers", "lines+markers", "markers+text"] = "lines"
    color: Array | None = None
    text: Sequence[str] = ()
    group: str = ""
    """Series of one group have one colour, their dash tells them apart."""


@dataclass(frozen=True, eq=False)
class Band:
    """What lies between ``low`` and ``high`` (n,) over ``x``, shaded."""

    name: str
    x: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Chart:
    """Lines and points over two axes; bands lie behind them, in the colours of the first."""

    series: Sequence[Series]
    labels: Labels = field(default_factory=Labels)
    log: Log = ""
    equal: bool = False
    """Whether a unit is as long on one axis as on the other."""
    legend: bool = True
    """Whether each of several series has its name beside the drawing."""
    x_words: Sequence[str] = ()
    """What the places 0, 1, ... along x are called, where they stand for words."""
    bands: Sequence[Band] = ()


@dataclass(frozen=True, eq=False)
class Bars:
    """``values`` (series, categories) as bars, series beside each other."""

    values: Array
    categories: Sequence[str]
    names: Sequence[str] = ("",)
    labels: Labels = field(default_factory=Labels)
    log: Log = ""


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often values fall into ``bins`` intervals of equal width, the same for all samples."""

    samples: Sequence[tuple[str, Array]]
    bins: int = 50
    labels: Labels = field(default_factory=Labels)
    log: Log = ""


@dataclass(frozen=True, eq=False)
class Panel:
    """A matrix (rows, columns) with ticks; the first row is at the top."""

    values: Array
    title: str = ""
    row_ticks: Sequence[str] = ()
    column_ticks: Sequence[str] = ()
    cells: Sequence[Sequence[str]] = ()
    """A word in each cell."""


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Matrices beside each other under one colour scale."""

    panels: Sequence[Panel]
    labels: Labels = field(default_factory=Labels)
    columns: int = 4
    range: tuple[float, float] | None = None
    diverging: bool = False
    """Whether zero is the middle of the colours."""
    annotated: bool = False
    """Whether the numbers stand in the cells."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Where a run went, step by step."""

    name: str
    x: Array
    y: Array
    z: Array | None = None


@dataclass(frozen=True, eq=False)
class Contour:
    """``z`` (len(y), len(x)) over a grid, as level lines or as a surface, with paths on it."""

    x: Array
    y: Array
    z: Array
    paths: Sequence[Trajectory] = ()
    labels: Labels = field(default_factory=Labels)
    log: bool = False
    """Whether levels are powers of ten of the distance to the lowest value."""
    surface: bool = False


@dataclass(frozen=True, eq=False)
class Box:
    """A rectangle in pixels of its picture, from corner to corner."""

    corners: tuple[float, float, float, float]
    text: str = ""
    group: int = 0
    """Which colour it has."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image: (h, w) grey or (h, w, 3) in colour, what is drawn over it, and a line above it."""

    pixels: Array
    title: str = ""
    boxes: Sequence[Box] = ()
    mask: Array | None = None
    """(h, w) of class numbers; class 0 is left as it is."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images in rows. Grey values go from black at ``range[0]`` to white at ``range[1]``, which
    are the smallest and the largest value of all where they are not given.
    """

    pictures: Sequence[Picture]
    columns: int = 8
    labels: Labels = field(default_factory=Labels)
    range: tuple[float, float] | None = None
    diverging: bool = False
    names: Sequence[str] = ()
    """What the classes of masks and boxes are called."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points (n, 3) in space, with a group and a word each."""

    points: Array
    groups: Sequence[str] = ()
    text: Sequence[str] = ()
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, eq=False)
class Span:
    """A stretch of time in a row: a word in it, and one where the pointer is."""

    row: int
    begin: float
    end: float
    text: str = ""
    about: str = ""
    group: int = 0
    """Which colour it has."""


@dataclass(frozen=True, eq=False)
class Moment:
    """A mark in a row."""

    row: int
    time: float
    about: str = ""


@dataclass(frozen=True, eq=False)
class Timeline:
    """What happened when: spans and moments in numbered rows, the first at the top."""

    spans: Sequence[Span]
    moments: Sequence[Moment] = ()
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, eq=False)
class Axis:
    """One of several parallel axes: a number (n,) for each line, or the place of its word."""

    name: str
    values: Array
    words: Sequence[str] = ()
    log: bool = False


@dataclass(frozen=True, eq=False)
class Parallel:
    """Parallel coordinates: n lines from axis to axis, ``color`` (n,) on a scale of colours."""

    axes: Sequence[Axis]
    color: Array
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, eq=False)
class Words:
    """Texts, each under its title."""

    rows: Sequence[tuple[str, str]]
    labels: Labels = field(default_factory=Labels)


@dataclass(frozen=True, eq=False)
class Branch:
    """What one step adds to a tree: a word, one where the pointer is, one behind its end."""

    parent: int
    """The branch that it grows from, by its place in the list; -1 for the first step."""
    text: str
    about: str = ""
    kind: Literal["best", "kept", "dropped"] = "kept"
    end: str = ""


@dataclass(frozen=True, eq=False)
class Tree:
    """Branches that grow step by step, siblings in their order."""

    branches: Sequence[Branch]
    labels: Labels = field(default_factory=Labels)


Description = (
    Chart | Bars | Histogram | Heatmap | Contour | Pictures | Cloud | Timeline | Parallel | Words
    | Tree
)  # fmt: skip
