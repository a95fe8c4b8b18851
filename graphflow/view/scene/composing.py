"""From an outline and a look to a drawing: what is seen, its words and sizes, its places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import sha256

from graphflow.ir.types import TensorType
from graphflow.view.drawing import Drawing, DrawnEdge, DrawnGroup, DrawnNode
from graphflow.view.layout import Box as Sized
from graphflow.view.layout import Frame, Link, Placed, place
from graphflow.view.scene.labels import amount, shape_text, shortened
from graphflow.view.scene.opening import folded_into, opened_at_first
from graphflow.view.scene.outline import Box, Group, Outline
from graphflow.view.scene.sizes import label_size, node_size, title_width
from graphflow.view.workspace import Look

INLINE_LINES = 3
"""Lines of parameters in one box; further ones are counted."""


def drawn(outline: Outline, look: Look) -> Drawing:
    """The drawing of what a look shows."""
    return _Composing(outline, look).drawing()


class _Composing:
    """One drawing under way. A box or closed group that is drawn is called a card here."""

    def __init__(self, outline: Outline, look: Look) -> None:
        self.outline, self.look = outline, look
        chosen = opened_at_first(outline, look.folded) if look.opened is None else look.opened
        opened = frozenset(chosen) & outline.groups.keys()
        self.folded = folded_into(outline, opened) if look.folded else {}
        self.card_of_group = self._cards_of_groups(opened)
        self.cards = self._cards()

    def _cards_of_groups(self, opened: frozenset[str]) -> Mapping[str, str]:
        """For each group the card that it is inside of; "" if it is a frame."""
        found = {"": ""}
        for name, group in self.outline.groups.items():
            closed = "" if name in opened else self.folded.get(name, name)
            found[name] = found[group.parent] or closed
        return found

    def _cards(self) -> Mapping[str, str]:
        """For each box of the outline the card that shows it, in running order."""
        inline = self.look.parameters == "inline"
        boxes, found = self.outline.boxes, dict[str, str]()
        for id, box in boxes.items():
            if box.stand == "own" or (box.stand == "parameter" and not inline):
                found[id] = self.card_of_group[box.group] or id
        for id in boxes:
            if id not in found:
                found[id] = found[self.outline.readers[id][0]]
        return found

    # -- what is drawn -----------------------------------------------------------------------
    def drawing(self) -> Drawing:
        """The whole picture, placed."""
        nodes, frames = list(self.nodes()), list(self.frames())
        links = self.links({node.id for node in nodes})
        placed = place(
            [Sized(node.id, node.w, node.h, node.group) for node in nodes],
            [Frame(g.id, g.parent, title_width(_title(g))) for g in frames],
            [_link(*ends, label) for ends, label in links.items()],
            self.look.direction,
        )
        at = placed.boxes
        return _stamped(Drawing(
            "", placed.width, placed.height, self.look.direction,
            tuple(_moved_node(node, *at[node.id]) for node in nodes),
            tuple(_moved_frame(group, *placed.frames[group.id]) for group in frames),
            tuple(_edges(links, placed)), self.shown_as({node.id for node in nodes}),
        ))  # fmt: skip

    def nodes(self) -> Iterator[DrawnNode]:
        """Cards in running order, not placed yet."""
        inline = self.inline
        for card in dict.fromkeys(self.cards[id] for id in self.drawn_boxes):
            if card in self.outline.boxes and self.cards.get(card) == card:
                box = self.outline.boxes[card]
                if not self.card_of_group[box.group]:
                    yield _node(box, tuple(_few(inline.get(card, ()))))
                    continue
            yield self.closed(self.outline.groups[card])

    @cached_property
    def drawn_boxes(self) -> list[str]:
        """The boxes that are drawn where nothing is closed."""
        inline = self.look.parameters == "inline"
        return [
            id for id, box in self.outline.boxes.items()
            if box.stand == "own" or (box.stand == "parameter" and not inline)
        ]  # fmt: skip

    @cached_property
    def inline(self) -> Mapping[str, Sequence[str]]:
        """What stands as lines in each box: parameters, and constants that are arrays."""
        found: dict[str, list[str]] = {}
        hidden = {
            id: box for id, box in self.outline.boxes.items()
            if box.stand == "parameter" and self.look.parameters == "inline"
        }  # fmt: skip
        for flow in self.outline.flows:
            if flow.source in hidden and not flow.back:
                found.setdefault(flow.target, []).append(hidden[flow.source].text)
        return found

    def closed(self, group: Group) -> DrawnNode:
        """A closed group, with what it holds."""
        copies = [group.id, *(name for name, first in self.folded.items() if first == group.id)]
        count = sum(self.outline.counts[name] for name in copies)
        numbers = self.parameters[group.id]
        inline = (amount(numbers) + (" each" if len(copies) > 1 else ""),) if numbers else ()
        label, sub = (
            self.named(group, len(copies)),
            _loop_text(group) if group.length else group.sub,
        )
        signs = 1 + (group.kind == "loop") + 2 * (len(copies) > 1)
        w, h = node_size(label, [line for line in (sub, *inline) if line], signs)
        said = [sub or "group", group.id, f"{count} nodes", *inline]
        if len(copies) > 1:
            said.insert(2, f"{len(copies)} equal blocks")
        if group.shape:
            said.append(f"output {group.shape}")
        return DrawnNode(
            group.id, label, sub, group.kind, 0.0, 0.0, w, h, group.parent, group.shape,
            ", ".join(said), inline, count, len(copies),
        )  # fmt: skip

    def named(self, group: Group, copies: int = 1) -> str:
        """A group's name; with its number where it is one of a row that is not folded whole."""
        row = next((row for row in self.outline.rows if group.id in row), ())
        if len(row) <= copies:
            return shortened(group.label)
        first = row.index(group.id) + 1
        numbers = f"{first}" if copies == 1 else f"{first}–{first + copies - 1}"
        return f"{shortened(group.label)} {numbers}/{len(row)}"

    @cached_property
    def parameters(self) -> Mapping[str, list[TensorType]]:
        """The parameters read inside of each group."""
        found: dict[str, dict[str, TensorType]] = {name: {} for name in self.outline.groups}
        for flow in self.outline.flows:
            box = self.outline.boxes[flow.source]
            if box.kind == "parameter" and isinstance(box.node.type, TensorType):
                for name in self.outline.within(self.outline.boxes[flow.target].group):
                    found[name][box.id] = box.node.type
        return {name: list(types.values()) for name, types in found.items()}

    def frames(self) -> Iterator[DrawnGroup]:
        """Open groups, outer ones first, not placed yet."""
        for name, group in self.outline.groups.items():
            if not self.card_of_group[name]:
                names = (self.named(group), group.sub)
                label = " · ".join(dict.fromkeys(name for name in names if name))
                yield DrawnGroup(name, label, group.parent, 0.0, 0.0, 0.0, 0.0,
                                 self.outline.counts[name], group.length)  # fmt: skip

    def links(self, cards: set[str]) -> Mapping[tuple[str, str, bool], str]:
        """What flows between cards, with a label where all that flows there has one shape."""
        found: dict[tuple[str, str, bool], dict[str, None]] = {}
        drawn = set(self.drawn_boxes)
        for flow in self.outline.flows:
            if flow.source in drawn and flow.target in drawn:
                source, target = self.cards[flow.source], self.cards[flow.target]
                if source != target:
                    found.setdefault((source, target, flow.back), {})[flow.label] = None
        both = {ends for ends in found if ends[2] and (ends[0], ends[1], False) in found}
        return {
            ends: next(iter(labels)) if len(labels) == 1 and self.look.shapes else ""
            for ends, labels in found.items()
            if ends not in both
        }

    def shown_as(self, cards: set[str]) -> Mapping[str, str]:
        """Where every node without a card of its own is seen."""
        found = {id: card for id, card in self.cards.items() if id != card}
        for id, stand in self.outline.stands_for.items():
            found[id] = self.cards[stand]
        first: dict[str, str] = {}
        for id in self.drawn_boxes:
            for name in self.outline.within(self.outline.boxes[id].group):
                first.setdefault(name, self.cards[id])
        for name, group in self.outline.groups.items():
            card = self.card_of_group[name]
            if card or group.kind == "loop":
                found.setdefault(name, card or first[name])
        return {id: card for id, card in found.items() if id not in cards}


def _node(box: Box, inline: tuple[str, ...]) -> DrawnNode:
    """A box of its own."""
    label, shape = shortened(box.label), shape_text(box.node.type)
    w, h = node_size(label, [line for line in (box.sub, *inline) if line])
    said = [box.node.op, box.id, *inline, f"output {shape}" if shape else "one number"]
    return DrawnNode(
        box.id, label, box.sub, box.kind, 0.0, 0.0, w, h, box.group, shape, ", ".join(said), inline
    )


def _few(lines: Sequence[str]) -> Iterator[str]:
    """The first lines, and how many more there are."""
    kept = lines if len(lines) <= INLINE_LINES else lines[: INLINE_LINES - 1]
    yield from kept
    if len(kept) < len(lines):
        yield f"and {len(lines) - len(kept)} more"


def _loop_text(group: Group) -> str:
    """A closed loop: what it is, and how often it runs."""
    return f"{group.sub}, {group.length} steps"


def _title(group: DrawnGroup) -> str:
    return f"{group.label} {group.length}" if group.length else group.label


def _link(source: str, target: str, back: bool, label: str) -> Link:
    return Link(source, target, *label_size(label), back=back)


def _moved_node(node: DrawnNode, x: float, y: float) -> DrawnNode:
    return replace(node, x=x, y=y)


def _moved_frame(group: DrawnGroup, x: float, y: float, w: float, h: float) -> DrawnGroup:
    return replace(group, x=x, y=y, w=w, h=h)


def _edges(links: Mapping[tuple[str, str, bool], str], placed: Placed) -> Iterator[DrawnEdge]:
    """The edges along their routes; a label stands where the layout has found room for it."""
    for ((source, target, back), label), route in zip(links.items(), placed.routes, strict=True):
        said = label if route.label is not None else ""
        yield DrawnEdge(
            source, target, route.points, said, route.label or (0.0, 0.0), back or route.back
        )


def _stamped(drawing: Drawing) -> Drawing:
    """The drawing with a mark that changes whenever it does."""
    parts = (drawing.direction, drawing.nodes, drawing.groups, drawing.edges)
    return replace(drawing, rev=sha256(repr(parts).encode()).hexdigest()[:16])
