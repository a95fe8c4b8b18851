"""From an outline and a look to a drawing: what is seen, and its places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256

from graphflow.ir.types import TensorType
from graphflow.view.copies import stands_for_many, timeless
from graphflow.view.drawing import Drawing, DrawnEdge, DrawnGroup
from graphflow.view.layout import Box as Sized
from graphflow.view.layout import Frame, Link, Placed, place
from graphflow.view.scene.cards import Card, box_card, group_card
from graphflow.view.scene.labels import shortened
from graphflow.view.scene.opening import folded_into, opened_at_first
from graphflow.view.scene.outline import Group, Outline
from graphflow.view.scene.sizes import label_size, title_width, value_widths
from graphflow.view.scene.spreading import spread
from graphflow.view.workspace import Look

Ends = tuple[str, str, bool]
"""Source and target of an edge, and whether it leads back."""


def drawn(outline: Outline, look: Look) -> Drawing:
    """The drawing of what a look shows."""
    return _Composing(outline, look).drawing()


class _Composing:
    """One drawing under way."""

    def __init__(self, outline: Outline, look: Look) -> None:
        chosen = opened_at_first(outline, look.folded) if look.opened is None else look.opened
        inline = look.parameters == "inline"
        loops = {loop: look.moments.get(loop, 0) for loop in look.spread if loop in chosen}
        self.whole, self.look = outline, look
        self.outline = outline = spread(outline, loops, inline) if loops else outline
        self.opened = frozenset(
            name for name in outline.groups
            if timeless(name) in chosen and not stands_for_many(name)
        )  # fmt: skip
        self.folded = folded_into(outline, self.opened) if look.folded else {}
        self.drawn_boxes = {
            id: box for id, box in outline.boxes.items()
            if box.stand == "own" or (box.stand == "parameter" and not inline)
        }  # fmt: skip
        """The boxes that are drawn where nothing is closed."""
        self.closed = self._closed()
        self.card_of = self._cards()

    def _closed(self) -> Mapping[str, str]:
        """For each group the closed group that it is seen as; "" if it is a frame."""
        found = {"": ""}
        for name, group in self.outline.groups.items():
            own = "" if name in self.opened else self.folded.get(name, name)
            found[name] = found[group.parent] or own
        return found

    def _cards(self) -> Mapping[str, str]:
        """For each box of the outline the card that shows it."""
        found = {id: self.closed[box.group] or id for id, box in self.drawn_boxes.items()}
        for id in self.outline.boxes:
            if id not in found:
                found[id] = found[self.outline.readers[id][0]]
        return found

    # -- what is drawn -----------------------------------------------------------------------
    def drawing(self) -> Drawing:
        """The whole picture, placed."""
        cards, frames, links = list(self.cards()), list(self.frames()), self.links()
        copies = self.outline.copies
        placed = place(
            [Sized(card.id, card.w, card.h, card.group) for card in cards],
            [
                Frame(g.id, g.parent, title_width(label, g.length), abreast=g.id in copies)
                for g, label in frames
            ],
            [_link(*ends, *what) for ends, what in links.items()],
            self.look.direction,
        )
        names = {card.id for card in cards}
        shown_as = self.shown_as(names)
        return Drawing(
            self.rev(), placed.width, placed.height, self.look.direction,
            tuple([card.at(*placed.boxes[card.id]) for card in cards]),
            tuple([self.frame(g, label, placed) for g, label in frames]),
            tuple(_edges(links, placed)), shown_as, self.around({*shown_as, *names}), copies,
        )  # fmt: skip

    def rev(self) -> str:
        """A mark that changes whenever the drawing does: all that it is made from."""
        look = self.look
        parts = (self.whole.rev, sorted(self.opened), look.direction, look.parameters,
                 look.folded, look.shapes, look.values, self.outline.copies)  # fmt: skip
        return sha256(repr(parts).encode()).hexdigest()[:16]

    def cards(self) -> Iterator[Card]:
        """Boxes and closed groups in running order."""
        groups: set[str] = set()
        for id, box in self.drawn_boxes.items():
            closed = self.closed[box.group]
            if not closed:
                yield box_card(box, self.inline.get(id, ()), self.look.values)
            elif closed not in groups:
                groups.add(closed)
                yield self.group(self.outline.groups[closed])

    def group(self, group: Group) -> Card:
        """A closed group, with all that is folded into it."""
        copies = (group.id, *(name for name, first in self.folded.items() if first == group.id))
        count = sum(self.outline.counts[name] for name in copies)
        label = self.named(group, len(copies))
        gives = self.outline.given(copies[-1])
        values = value_widths(self.outline.boxes[gives[0]].node.type) if self.look.values else ()
        return group_card(group, label, count, copies, self.parameters[group.id], gives, values)

    def frames(self) -> Iterator[tuple[Group, str]]:
        """Open groups, outer ones first, with their titles."""
        for name, group in self.outline.groups.items():
            if not self.closed[name]:
                words = (self.named(group), group.sub)
                yield group, " · ".join(dict.fromkeys(word for word in words if word))

    def frame(self, group: Group, label: str, placed: Placed) -> DrawnGroup:
        """An open group where it was laid."""
        count = self.outline.counts[group.id]
        frame = placed.frames[group.id]
        return DrawnGroup(group.id, label, group.parent, *frame, count, group.length)

    def named(self, group: Group, copies: int = 1) -> str:
        """A group's name; with its number where it is one of a row that is not folded whole."""
        row = self.outline.row_of.get(group.id, ())
        if len(row) <= copies:
            return shortened(group.label)
        first = row.index(group.id) + 1
        numbers = f"{first}" if copies == 1 else f"{first}–{first + copies - 1}"
        return f"{shortened(group.label)} {numbers}/{len(row)}"

    @cached_property
    def inline(self) -> Mapping[str, Sequence[str]]:
        """What stands as lines in each box: parameters, and constants that are arrays."""
        found: dict[str, list[str]] = {}
        for flow in self.outline.flows:
            box = self.outline.boxes[flow.source]
            if box.stand == "parameter" and flow.source not in self.drawn_boxes and not flow.back:
                found.setdefault(flow.target, []).append(box.text)
        return found

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

    def links(self) -> Mapping[Ends, tuple[str, str]]:
        """What flows between cards: its shape, where all has one, and its name, if it is one."""
        found: dict[Ends, dict[str, str]] = {}
        for flow in self.outline.flows:
            if flow.source in self.drawn_boxes and flow.target in self.drawn_boxes:
                source, target = self.card_of[flow.source], self.card_of[flow.target]
                if source != target:
                    found.setdefault((source, target, flow.back), {})[flow.source] = flow.label
        return {
            ends: (_only(values.values()) if self.look.shapes else "", _only(values))
            for ends, values in found.items()
            if not (ends[2] and (ends[0], ends[1], False) in found)
        }

    def shown_as(self, cards: set[str]) -> Mapping[str, str]:
        """Where every node without a card of its own is seen, every closed group, every loop."""
        found = dict(self.card_of)
        for id, stand in self.outline.stands_for.items():
            found[id] = self.card_of[stand]
        for name, group in self.outline.groups.items():
            if self.closed[name]:
                found.setdefault(name, self.closed[name])
            elif group.kind == "loop":
                found.setdefault(name, self.card_of[self.outline.beginnings[name]])
        return {id: card for id, card in found.items() if id not in cards}

    def around(self, ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """What must be open for these to be, if not all of it is."""
        found = {id: self.outline.around(id) for id in ids}
        return {
            timeless(id): tuple(dict.fromkeys(map(timeless, path)))
            for id, path in found.items() if any(self.closed[name] for name in path)
        }  # fmt: skip


def _only(words: Iterable[str]) -> str:
    """The word, if all are the same."""
    different = set(words)
    return different.pop() if len(different) == 1 else ""


def _link(source: str, target: str, back: bool, label: str, value: str) -> Link:
    """An edge to be laid out. Edges of one value run together; several values run alone."""
    return Link(source, target, *label_size(label), back, value or f"{source} {target}")


def _edges(links: Mapping[Ends, tuple[str, str]], placed: Placed) -> Iterator[DrawnEdge]:
    """The edges along their routes; a label stands where the layout has found room for it."""
    pairs = zip(links.items(), placed.routes, strict=True)
    for ((source, target, back), (label, _)), route in pairs:
        said = label if route.label is not None else ""
        yield DrawnEdge(
            source, target, route.points, said, route.label or (0.0, 0.0), back or route.back
        )
