"""What a drawing can show, whatever is open: boxes, nested groups and the values between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal

from graphflow.ir.graph import Node
from graphflow.view.copies import Copies
from graphflow.view.drawing import Kind

Stand = Literal["own", "parameter", "inside"]
"""Always a box of its own; one where parameters are shown; never one, but a line in its readers."""


@dataclass(frozen=True)
class Box:
    """A node of the forward graph as a box.

    ``id`` is its drawn id, ``group`` the innermost group it stands in. ``text`` is what it says in
    one line inside of its readers, if it may stand there.
    """

    id: str
    node: Node
    label: str
    sub: str
    kind: Kind
    group: str = ""
    text: str = ""
    stand: Stand = "own"


@dataclass(frozen=True)
class Group:
    """Boxes and groups that belong together: a call, a line of several nodes, or a loop.

    ``call`` says that it is a call of a
    block, ``library`` that the block comes with graphflow. ``length`` is
    the number of steps of a loop, 0 where it is unknown or no loop; ``reverse`` says that the last
    of them runs first.
    """

    id: str
    label: str
    sub: str
    parent: str
    kind: Kind = "group"
    call: bool = False
    library: bool = False
    length: int = 0
    shape: str = ""
    reverse: bool = False


@dataclass(frozen=True)
class Flow:
    """A value on its way from one box to another. ``back`` holds for what a loop carries on;
    ``every`` are the loops that it leaves in each time step, not in the last one only.
    """

    source: str
    target: str
    label: str = ""
    back: bool = False
    every: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Outline:
    """The structure of a forward graph: what all drawings of it are made from.

    ``boxes`` and ``groups`` are in running order, outer groups before inner ones. ``stands_for``
    maps the drawn id of every node without a box of its own to the box, or the open or closed
    group, where it is seen. ``rows`` are runs of equal blocks in series, each by its groups' ids.
    ``copies`` are those of loops that are unrolled in time.
    """

    boxes: Mapping[str, Box]
    groups: Mapping[str, Group]
    flows: tuple[Flow, ...]
    stands_for: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[tuple[str, ...], ...] = ()
    copies: Copies = field(default_factory=dict)

    @cached_property
    def readers(self) -> Mapping[str, Sequence[str]]:
        """The boxes that read each box, in running order."""
        found: dict[str, list[str]] = {name: [] for name in self.boxes}
        for flow in self.flows:
            if not flow.back:
                found[flow.source].append(flow.target)
        return found

    def within(self, group: str) -> Iterator[str]:
        """A group and those around it, from inside out."""
        while group:
            yield group
            group = self.groups[group].parent

    def path(self, group: str) -> tuple[str, ...]:
        """A group after those around it, outermost first; nothing for the whole graph."""
        return tuple(reversed(list(self.within(group))))

    def around(self, id: str) -> tuple[str, ...]:
        """The groups that must be open for a group to be, or for a node to be seen by itself,
        outermost first.
        """
        if id in self.groups:
            return self.path(id)
        stand = self.stands_for.get(id, id)
        return self.path(self.boxes[stand].group if stand in self.boxes else stand)

    @cached_property
    def rev(self) -> str:
        """A mark that changes whenever the structure does."""
        boxes = [(b.id, b.label, b.sub, b.kind, b.group, b.text, b.stand, b.node.op, b.node.type)
                 for b in self.boxes.values()]  # fmt: skip
        parts = (boxes, list(self.groups.values()), self.flows, self.rows, self.stands_for)
        return sha256(repr(parts).encode()).hexdigest()[:16]

    @cached_property
    def row_of(self) -> Mapping[str, tuple[str, ...]]:
        """The row that each of its blocks is in."""
        return {name: row for row in self.rows for name in row}

    @cached_property
    def beginnings(self) -> Mapping[str, str]:
        """The first box of each group."""
        found: dict[str, str] = {}
        for box in self.boxes.values():
            if box.stand == "own":
                for name in self.within(box.group):
                    found.setdefault(name, box.id)
        return found

    @cached_property
    def ends(self) -> Mapping[str, str]:
        """The last box of each group: what it gives."""
        return {
            name: box.id
            for box in self.boxes.values()
            if box.stand == "own"
            for name in self.within(box.group)
        }

    def given(self, group: str) -> tuple[str, ...]:
        """The nodes whose value a group gives: its last box, and what is picked from a loop."""
        end = self.ends[group]
        inside = {id for id, box in self.boxes.items() if group in self.within(box.group)}
        ends = inside if self.groups[group].kind == "loop" else {end}
        return (end, *(id for id, stand in self.stands_for.items() if stand in ends))

    def place_of(self, name: str) -> str:
        """Where a node is seen: its box, what stands for it, a loop, or the end of a call whose
        result has the call's name; "" if nowhere.
        """
        if name in self.boxes or name in self.stands_for:
            return name
        group = self.groups.get(name)
        if group is None:
            return ""
        return name if group.kind == "loop" else self.ends[name]

    @cached_property
    def depth(self) -> Mapping[str, int]:
        """How many groups each group stands in."""
        found: dict[str, int] = {}
        for name, group in self.groups.items():
            found[name] = found[group.parent] + 1 if group.parent else 0
        return found

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """The number of operations inside each group, those of inner groups included."""
        found = dict.fromkeys(self.groups, 0)
        for box in self.boxes.values():
            if not box.text:
                for name in self.within(box.group):
                    found[name] += 1
        return found
