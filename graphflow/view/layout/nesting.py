"""Frames within frames: which part of each link lies in which frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from graphflow.view.layout.sketch import Box, Frame, Link


class Child(NamedTuple):
    """A box or a frame: the two may bear one name."""

    id: str
    frame: bool = False


class Leg(NamedTuple):
    """The part of a link that lies in one frame. An end that is None is the frame's border."""

    tail: Child | None
    head: Child | None
    value: str
    back: bool = False


@dataclass(frozen=True)
class Inside:
    """What stands in one frame, everything numbered from 0: boxes and inner frames, the values
    that come in and go out, and the legs of links, each once.
    """

    children: dict[Child, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)
    legs: dict[Leg, int] = field(default_factory=dict)
    labels: dict[Leg, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Nest:
    """All frames, inmost first, and for each link its frames and legs, from its source on."""

    insides: Mapping[str, Inside]
    courses: Sequence[Sequence[tuple[str, int]]]
    lone: frozenset[str]
    """The values of boxes that hang on sources alone, as all above them read once. They enter a
    frame first, the others in the order of the boxes that they come from.
    """
    equal: frozenset[str]
    """Frames that stand abreast: values enter them in the order of what they lead to."""


def nest(boxes: Sequence[Box], frames: Sequence[Frame], links: Sequence[Link]) -> Nest:
    """Divide links among frames: the middle part in the smallest frame around both ends, and from
    there a part in each frame inwards to the ends.
    """
    parents = {frame.id: frame.parent for frame in frames}
    insides: dict[str, Inside] = {"": Inside()}
    for box in boxes:
        child, frame = Child(box.id), box.group
        while _numbered(insides.setdefault(frame, Inside()).children, child) and frame:
            child, frame = Child(frame, frame=True), parents[frame]
    around = {frame: tuple(_around(frame, parents)) for frame in insides}
    home = {box.id: around[box.group] for box in boxes}
    courses = [_divided(link, insides, home[link.source], home[link.target]) for link in links]
    lone = _lone(links)
    turn = {box.id: number for number, box in enumerate(boxes)}
    made = {link.value or link.source: turn[link.source] for link in links}
    abreast = {frame.id for frame in frames if frame.abreast}
    equal = frozenset(frame.id for frame in frames if frame.parent in abreast)
    for frame, inside in insides.items():
        heads = _heads(inside) if frame in equal else {}
        ranks = {v: (heads.get(v, 0), v not in lone, made[v]) for v in inside.entries}
        entries = sorted(inside.entries, key=ranks.__getitem__)
        inside.entries.update((value, number) for number, value in enumerate(entries))
    inmost = sorted(insides, key=lambda frame: -len(around[frame]))
    return Nest({frame: insides[frame] for frame in inmost}, courses, lone, equal)


def _heads(inside: Inside) -> dict[str, int]:
    """The first child that each value which comes in leads to."""
    found: dict[str, int] = {}
    for leg in inside.legs:
        if leg.tail is None and leg.head is not None:
            number = inside.children[leg.head]
            found[leg.value] = min(number, found.get(leg.value, number))
    return found


def _lone(links: Sequence[Link]) -> frozenset[str]:
    """The values of boxes that hang on sources alone and are read once, as all above them."""
    forward = [link for link in links if not link.back]
    readers = Counter(link.source for link in links)
    missing = Counter(link.target for link in forward)
    heads: dict[str, list[str]] = {}
    for link in forward:
        heads.setdefault(link.source, []).append(link.target)
    found = [box for box in readers if readers[box] == 1 and not missing[box]]
    for box in found:
        for head in heads.get(box, ()):
            missing[head] -= 1
            if not missing[head] and readers[head] == 1:
                found.append(head)
    boxes = frozenset(found)
    return frozenset(link.value or link.source for link in links if link.source in boxes)


def _numbered(children: dict[Child, int], child: Child) -> bool:
    """Give a child a number; whether it had none."""
    return children.setdefault(child, len(children)) == len(children) - 1


def _around(frame: str, parents: Mapping[str, str]) -> Iterator[str]:
    """A frame and those around it, from inside out, the whole picture last."""
    while frame:
        yield frame
        frame = parents[frame]
    yield ""


def _divided(
    link: Link, insides: Mapping[str, Inside], around: Sequence[str], target: Sequence[str]
) -> list[tuple[str, int]]:
    """The course of one link; ``around`` and ``target`` are the frames around its ends."""
    value = link.value or link.source
    shared = next(frame for frame in around if frame in target)
    outwards, tail = [], Child(link.source)
    for frame in around[: around.index(shared)]:
        inside = insides[frame]
        inside.exits.setdefault(value, len(inside.exits))
        outwards.append((frame, _leg(inside, Leg(tail, None, value))))
        tail = Child(frame, frame=True)
    inwards, head = [], Child(link.target)
    for frame in target[: target.index(shared)]:
        inside = insides[frame]
        inside.entries.setdefault(value, len(inside.entries))
        inwards.append((frame, _leg(inside, Leg(None, head, value))))
        head = Child(frame, frame=True)
    middle = Leg(tail, head, value, link.back)
    if link.label_w:
        insides[shared].labels.setdefault(middle, (link.label_w, link.label_h))
    return [*outwards, (shared, _leg(insides[shared], middle)), *reversed(inwards)]


def _leg(inside: Inside, leg: Leg) -> int:
    """The number of a leg."""
    return inside.legs.setdefault(leg, len(inside.legs))
