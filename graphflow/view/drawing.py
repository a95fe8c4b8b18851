"""A graph as it is drawn: boxes, groups and edges at their places, in the order of painting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from graphflow.view.copies import Copies, timeless

Kind = Literal["input", "parameter", "state", "constant", "op", "loss", "output", "loop", "group"]
Point = tuple[float, float]

HUES: Mapping[Kind, str] = {
    "op": "#56b4e9", "input": "#e69f00", "parameter": "#009e73", "state": "#009e73",
    "constant": "#8a8a8a", "loss": "#d55e00", "output": "#cc79a7", "group": "#9a86c9",
    "loop": "#9a86c9",
}  # fmt: skip
"""The colours of M. Okabe and K. Ito, "Color universal design" (2008), which most people with
deficient colour vision can tell apart.
"""


@dataclass(frozen=True)
class DrawnNode:
    """One box: a node, or a closed group. ``x`` and ``y`` are its middle.

    ``label`` is its name, ``sub`` what it does, ``shape`` the shape of its value; ``inline`` names
    the parameters that are written into it. ``description`` says all that in words, for a screen
    reader. ``count`` is the number of nodes in a closed group, ``folded`` how many equal blocks one
    box stands for. ``lines`` are the empty lines at its lower end, for a value and its gradient,
    those of the nodes that it ``gives``: of itself, if none are named. ``row`` are the ids of the
    blocks that one box stands for, if there are several.
    """

    id: str
    label: str
    sub: str
    kind: Kind
    x: float
    y: float
    w: float
    h: float
    group: str = ""
    shape: str = ""
    description: str = ""
    inline: tuple[str, ...] = ()
    count: int = 1
    folded: int = 1
    lines: int = 0
    gives: tuple[str, ...] = ()
    row: tuple[str, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether it is a closed group, which can be opened."""
        return self.kind == "group" or self.count > 1 or self.folded > 1


@dataclass(frozen=True)
class DrawnGroup:
    """An open group. ``x`` and ``y`` are its upper left corner; ``length`` the steps of a loop."""

    id: str
    label: str
    parent: str
    x: float
    y: float
    w: float
    h: float
    count: int
    length: int = 0


@dataclass(frozen=True)
class DrawnEdge:
    """A value that flows from ``source`` to ``target``: a smooth line through ``points``.

    ``label`` (the shape) stands at ``at``. ``back`` is an edge against the direction of reading: a
    value that a loop carries on.
    """

    source: str
    target: str
    points: tuple[Point, ...]
    label: str = ""
    at: Point = (0.0, 0.0)
    back: bool = False


@dataclass(frozen=True)
class Drawing:
    """The whole picture. ``shown_as`` maps what is not drawn to the box where it is seen: nodes in
    closed groups, parameters inside of their readers, closed groups, open loops (their first box).
    A box and the open group around it may have the same id; a closed group's box has the group's.
    ``around`` names, for each closed group and what stands in it, the groups that are to be opened
    for it to be open, or seen by itself.
    ``copies`` are those of loops that are unrolled in time.
    """

    rev: str
    width: float
    height: float
    direction: Literal["TB", "LR"]
    nodes: tuple[DrawnNode, ...]
    groups: tuple[DrawnGroup, ...]
    edges: tuple[DrawnEdge, ...]
    shown_as: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    copies: Copies = field(default_factory=dict)

    @property
    def opened(self) -> frozenset[str]:
        """The groups that are open, as a look names them."""
        return frozenset(timeless(group.id) for group in self.groups)

    def toggled(self, id: str) -> tuple[str, ...]:
        """The groups that are open once an open one is closed; or once all are opened in which a
        node or a closed group stands. No copy is one by itself.

        >>> drawing = Drawing("", 0, 0, "TB", (), (), (), around={"a.b.node": ("a", "a.b")})
        >>> drawing.toggled("a.b.node")
        ('a', 'a.b')
        """
        now = self.opened
        return tuple(sorted(now - {id} if id in now else now.union(self.around.get(id, ()))))
