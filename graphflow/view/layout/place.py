"""The whole picture: frames from the inside out, then everything at its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphflow.view.drawing import Point
from graphflow.view.layout.arrange import arranged
from graphflow.view.layout.nesting import Child, Nest, nest
from graphflow.view.layout.returns import APART, DROP
from graphflow.view.layout.sheet import Arranged, Gaps, Margins, Sheet, Wire
from graphflow.view.layout.sketch import Box, Direction, Frame, Link, Placed, Route

GAPS = {"TB": Gaps(16.0, 20.0), "LR": Gaps(12.0, 28.0)}
ABREAST = 40.0
"""The distance of a row of equal frames from where values enter and leave."""


def place(
    boxes: Sequence[Box],
    frames: Sequence[Frame],
    links: Sequence[Link],
    direction: Direction = "TB",
) -> Placed:
    """Lay out one visible state. The same input always gives the same picture.

    >>> done = place([Box("a", 40, 20), Box("b", 40, 20)], [], [Link("a", "b")])
    >>> done.boxes
    {'a': (20.0, 10.0), 'b': (20.0, 50.0)}
    """
    turned = direction == "LR"
    nested = nest(boxes, frames, links)
    sizes = {Child(box.id): _turned((box.w, box.h), turned) for box in boxes}
    by_id = {frame.id: frame for frame in frames}
    done: dict[str, Arranged] = {}
    for frame in nested.insides:
        done[frame] = arranged(_sheet(frame, by_id.get(frame), nested, sizes, done, turned))
        sizes[Child(frame, frame=True)] = done[frame].size
    picture = _Picture(nested, done, _origins(nested, done), turned)
    return Placed(
        *picture.turned(done[""].size),
        {box.id: picture.middle(box.group, Child(box.id)) for box in boxes},
        {f: (*picture.turned(picture.origins[f]), *picture.turned(done[f].size)) for f in by_id},
        tuple(picture.routes(links)),
    )


def _turned(point: Point, turned: bool) -> Point:
    """Between x, y and u, v: the axes are swapped where reading goes to the right."""
    return (point[1], point[0]) if turned else point


def _sheet(
    frame: str,
    drawn: Frame | None,
    nested: Nest,
    sizes: Mapping[Child, tuple[float, float]],
    done: Mapping[str, Arranged],
    turned: bool,
) -> Sheet:
    """What stands in a frame, the frames in it being laid out. None is the whole picture."""
    inside = nested.insides[frame]
    values = {leg.value: str(number) for number, leg in enumerate(inside.legs)}
    entry, exit_ = len(inside.children), len(inside.children) + len(inside.entries)
    wires = []
    for leg in inside.legs:
        tail = entry + inside.entries[leg.value] if leg.tail is None else inside.children[leg.tail]
        head = exit_ + inside.exits[leg.value] if leg.head is None else inside.children[leg.head]
        label = _turned(inside.labels.get(leg, (0.0, 0.0)), turned)
        leave = _port(leg.tail, leg.value, nested, done, below=True)
        enter = _port(leg.head, leg.value, nested, done, below=False)
        wires.append(Wire(tail, head, values[leg.value], leave, enter, label, leg.back))
    margins, title, gaps = Margins(), 0.0, GAPS["LR" if turned else "TB"]
    abreast = drawn is not None and drawn.abreast
    if abreast:
        most = max(Counter((w.tail, w.head) for w in wires if w.back).values(), default=0)
        gaps = Gaps(4 * DROP + APART * most, ABREAST)
    if drawn:
        pad, header = drawn.pad, drawn.header
        margins = Margins(pad + header * turned, pad, pad + header * (not turned), pad)
        title = drawn.title_w
    return Sheet(
        tuple(sizes[child] for child in inside.children), len(inside.entries), len(inside.exits),
        tuple(wires), gaps, margins,
        0.0 if turned else title, title if turned else 0.0,
        0 if frame in nested.equal else sum(value in nested.lone for value in inside.entries),
        abreast,
    )  # fmt: skip


def _port(
    child: Child | None, value: str, nested: Nest, done: Mapping[str, Arranged], below: bool
) -> float:
    """How far from the middle of a child's border a value leaves or enters it."""
    if child is None or not child.frame:
        return 0.0
    inside, arrangement = nested.insides[child.id], done[child.id]
    port = len(inside.children)
    port += len(inside.entries) + inside.exits[value] if below else inside.entries[value]
    return arrangement.places[port][0] - arrangement.size[0] / 2


def _origins(nested: Nest, done: Mapping[str, Arranged]) -> dict[str, Point]:
    """The upper left corner of each frame, outermost first."""
    origins: dict[str, Point] = {"": (0.0, 0.0)}
    for frame in reversed(list(nested.insides)):
        u, v = origins[frame]
        for child, number in nested.insides[frame].children.items():
            if child.frame:
                wide, high = done[child.id].size
                middle = done[frame].places[number]
                origins[child.id] = (u + middle[0] - wide / 2, v + middle[1] - high / 2)
    return origins


@dataclass(frozen=True)
class _Picture:
    """Frames laid out, and where they begin."""

    nested: Nest
    done: Mapping[str, Arranged]
    origins: Mapping[str, Point]
    is_turned: bool

    def turned(self, point: Point) -> Point:
        """A point of the picture."""
        return _turned((round(point[0], 2), round(point[1], 2)), self.is_turned)

    def at(self, frame: str, point: Point) -> Point:
        """A point of the picture, given in its frame."""
        u, v = self.origins[frame]
        return self.turned((point[0] + u, point[1] + v))

    def middle(self, frame: str, child: Child) -> Point:
        """The middle of a box."""
        number = self.nested.insides[frame].children[child]
        return self.at(frame, self.done[frame].places[number])

    def routes(self, links: Sequence[Link]) -> Iterator[Route]:
        """The ways of all links; a label that several share is on the first of them."""
        labelled: set[tuple[str, Point]] = set()
        for link, course in zip(links, self.nested.courses, strict=True):
            points: dict[Point, None] = {}
            label, back = None, False
            for frame, leg in course:
                done = self.done[frame]
                points |= dict.fromkeys(self.at(frame, point) for point in done.ways[leg])
                back = back or done.backs[leg]
                spot = done.labels[leg]
                if link.label_w and spot is not None and (frame, spot) not in labelled:
                    labelled.add((frame, spot))
                    label = self.at(frame, spot)
            yield Route(tuple(points), label, back)
