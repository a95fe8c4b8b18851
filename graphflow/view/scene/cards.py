"""Cards: boxes and closed groups with their words and their size, before they have a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphflow.ir.types import TensorType
from graphflow.view.drawing import DrawnNode, Kind
from graphflow.view.scene.labels import amount, shape_text, shortened
from graphflow.view.scene.outline import Box, Group
from graphflow.view.scene.sizes import node_size, value_widths

INLINE_LINES = 3
"""Lines of parameters in one box; further ones are counted."""


@dataclass(frozen=True, slots=True)
class Card:
    """A :class:`~graphflow.view.drawing.DrawnNode` without its place."""

    id: str
    label: str
    sub: str
    kind: Kind
    w: float
    h: float
    group: str
    shape: str
    description: str
    inline: tuple[str, ...]
    count: int = 1
    folded: int = 1
    lines: int = 0
    gives: tuple[str, ...] = ()
    row: tuple[str, ...] = ()

    def at(self, x: float, y: float) -> DrawnNode:
        """The card where it was laid, its middle at x and y."""
        return DrawnNode(
            self.id, self.label, self.sub, self.kind, x, y, self.w, self.h, self.group, self.shape,
            self.description, self.inline, self.count, self.folded, self.lines, self.gives,
            self.row,
        )  # fmt: skip


def box_card(box: Box, parameters: Sequence[str], values: bool) -> Card:
    """A box; ``parameters`` stand in it as lines, and with ``values`` there is room for its own."""
    label, shape, inline = shortened(box.label), shape_text(box.node.type), tuple(_few(parameters))
    widths = value_widths(box.node.type) if values else ()
    w, h = node_size(label, [line for line in (box.sub, *inline) if line], values=widths)
    said = [box.node.op, box.id, *inline, f"output {shape}" if shape else "one number"]
    return Card(
        box.id, label, box.sub, box.kind, w, h, box.group, shape, ", ".join(said), inline,
        lines=len(widths),
    )  # fmt: skip


def group_card(
    group: Group, label: str, count: int, row: tuple[str, ...], parameters: Sequence[TensorType],
    gives: tuple[str, ...], values: Sequence[float],
) -> Card:  # fmt: skip
    """A closed group of ``count`` nodes, all of its ``row`` together, each of which reads
    ``parameters``. There is room for ``values``, those of the nodes that it ``gives``.
    """
    copies = len(row)
    inline = (amount(parameters) + (" each" if copies > 1 else ""),) if parameters else ()
    sub = f"{group.sub}, {group.length} steps" if group.length else group.sub
    signs = 1 + (group.kind == "loop") + 2 * (copies > 1)
    w, h = node_size(label, [line for line in (sub, *inline) if line], signs, values)
    equal = [f"{copies} equal blocks"] if copies > 1 else []
    said = [sub or "group", group.id, *equal, f"{count} nodes", *inline]
    if group.shape:
        said.append(f"output {group.shape}")
    return Card(
        group.id, label, sub, group.kind, w, h, group.parent, group.shape, ", ".join(said), inline,
        count, copies, len(values), gives if values else (),
        row if copies > 1 else (),
    )  # fmt: skip


def _few(lines: Sequence[str]) -> Iterator[str]:
    """The first lines, and how many more there are."""
    kept = lines if len(lines) <= INLINE_LINES else lines[: INLINE_LINES - 1]
    yield from kept
    if len(kept) < len(lines):
        yield f"and {len(lines) - len(kept)} more"
