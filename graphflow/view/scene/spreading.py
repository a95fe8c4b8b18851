"""Loops unrolled in time: a copy of the body for each time step, and what flows between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from graphflow.view.copies import spans, timed
from graphflow.view.scene.outline import Box, Flow, Group, Outline


def spread(outline: Outline, loops: Mapping[str, int], inline: bool) -> Outline:
    """The outline with these loops unrolled around a moment each, inner loops first.

    With ``inline`` parameters are lines in their readers, and so in those of every copy; else the
    copies read one box.
    """
    for loop in sorted(loops, key=lambda name: -outline.depth.get(name, 0)):
        if loop in outline.groups and outline.groups[loop].length:
            outline = _Spreading(outline, loop, loops[loop], inline).outline()
    return replace(outline, flows=tuple(flow for flow in outline.flows if _meets(outline, flow)))


def _meets(outline: Outline, flow: Flow) -> bool:
    """Whether both ends are at one time, where a time step takes its element of what another loop
    has collected.
    """
    target = outline.boxes[flow.target]
    times = timed(flow.target)[1]
    taken = times[-2] if len(times) > 1 else None
    if not flow.every or target.kind != "input" or taken is None:
        return True
    name, made = timed(flow.source)
    parts = name.split("/")
    collected = ("/".join(parts[: depth + 1]) in flow.every for depth in range(len(parts)))
    spans = (span for span, is_loop in zip(made, collected, strict=True) if span and is_loop)
    return all(span.first <= taken.last and taken.first <= span.last for span in spans)


class _Spreading:
    """One loop under way. Names in its body begin with its own; in a copy, with the copy's."""

    def __init__(self, outline: Outline, loop: str, moment: int, inline: bool) -> None:
        self.whole, self.loop = outline, outline.groups[loop]
        self.spans = spans(self.loop.length, moment)
        self.names = [span.of(loop) for span in self.spans]
        self.running = self.names[::-1] if self.loop.reverse else self.names
        self.body = [
            box for box in outline.boxes.values() if loop in outline.within(box.group)
        ]  # fmt: skip
        shared = () if inline else ("parameter",)
        self.copied = {
            box.id for box in self.body if box.id.startswith(f"{loop}/") or box.stand not in shared
        }
        self.carried = {
            box.id for box in self.body
            if box.group == loop and box.kind == "state" and box.node.op == "input"
        }  # fmt: skip
        """The boxes in which a time step finds what the one before it has left."""
        self.beginnings = {
            id
            for id in self.copied
            if outline.readers[id] and self.carried >= {*outline.readers[id]}
        }
        """What the loop begins with, where that stands inside: the first copy has it alone."""
        self.groups = {
            name for name in outline.groups if name != loop and loop in outline.within(name)
        }

    def outline(self) -> Outline:
        """The outline with the copies in the place of the body."""
        copies = {
            name: found for name, found in self.whole.copies.items()
            if not name.startswith(f"{self.loop.id}/")
        }  # fmt: skip
        for copy in self.names:
            copies |= {
                self.named(name, copy): tuple(self.named(inner, copy) for inner in found)
                for name, found in self.whole.copies.items() if name not in copies
            }  # fmt: skip
        copies[self.loop.id] = tuple(
            copy for copy, span in zip(self.names, self.spans, strict=True)
            for _ in range(span.length)
        )  # fmt: skip
        return Outline(
            {box.id: box for box in self.boxes()}, {group.id: group for group in self.all_groups()},
            tuple(self.flows()), dict(self.stand_ins()), tuple(self.rows()), copies,
        )  # fmt: skip

    def named(self, id: str, copy: str) -> str:
        """The name in a copy of what stands in the body."""
        return f"{copy}/{id.removeprefix(f'{self.loop.id}/')}"

    def group(self, name: str, copy: str) -> str:
        """The group in a copy of one in the body, or of the body itself."""
        return copy if name == self.loop.id else self.named(name, copy)

    def boxes(self) -> Iterator[Box]:
        """All boxes, those of the copies where the first of the body has been."""
        body = [box for box in self.body if box.id in self.copied]
        inside = {box.id for box in self.body}
        for id, box in self.whole.boxes.items():
            if id not in self.copied:
                yield replace(box, group=self.loop.parent) if id in inside else box
            elif box is body[0]:
                for copy in self.names:
                    for each in body:
                        if each.id in self.beginnings and copy != self.running[0]:
                            continue
                        group = self.group(each.group, copy)
                        yield replace(each, id=self.named(each.id, copy), group=group)

    def all_groups(self) -> Iterator[Group]:
        """All groups, those of the copies behind the loop."""
        for name, group in self.whole.groups.items():
            if name not in self.groups:
                yield group
            if group is not self.loop:
                continue
            for copy, span in zip(self.names, self.spans, strict=True):
                left_out = span.length > 1
                label = f"t = {span.first}" + (f" … {span.last}" if left_out else "")
                yield Group(copy, label, f"{span.length} time steps" if left_out else "", name)
                for inner in (g for n, g in self.whole.groups.items() if n in self.groups):
                    parent = self.group(inner.parent, copy)
                    yield replace(inner, id=self.named(inner.id, copy), parent=parent)

    def flows(self) -> Iterator[Flow]:
        """All flows, copy after copy in equal order, so that all copies are laid out equally."""
        before = {late: early for early, late in pairwise(self.running)}
        for copy in self.names:
            for flow in self.whole.flows:
                if flow.target in self.copied:
                    yield from self.into(flow, copy, before.get(copy, ""))
        for flow in self.whole.flows:
            if flow.target in self.copied:
                continue
            if flow.source not in self.copied:
                yield flow
                continue
            every = self.loop.id in flow.every
            for copy in self.names if every else self.running[-1:]:
                yield replace(flow, source=self.named(flow.source, copy))

    def into(self, flow: Flow, copy: str, before: str) -> Iterator[Flow]:
        """A flow to a box of the body as it enters a copy; ``before`` is the copy that ran before.
        The first one takes what the loop begins with, each other one what is carried on.
        """
        inside, target = flow.source in self.copied, self.named(flow.target, copy)
        if flow.target not in self.carried:
            source = self.named(flow.source, copy) if inside else flow.source
            yield replace(flow, source=source, target=target)
        elif not flow.back:
            if not before:
                source = self.named(flow.source, copy) if inside else flow.source
                yield replace(flow, source=source, target=target)
        elif before:
            source = self.named(flow.source, before) if inside else flow.source
            yield replace(flow, source=source, target=target, label="", back=inside)

    def stand_ins(self) -> Iterator[tuple[str, str]]:
        """Where nodes without a box are seen; results of the loop in the copy that ran last."""
        last = self.running[-1]
        for id, stand in self.whole.stands_for.items():
            inside = stand in self.copied
            if not id.startswith(f"{self.loop.id}/"):
                yield id, self.named(stand, last) if inside else stand
                continue
            for copy in self.names:
                yield self.named(id, copy), self.named(stand, copy) if inside else stand
        for box in self.body:
            if box.id in self.copied and not box.id.startswith(f"{self.loop.id}/"):
                yield box.id, self.named(box.id, self.running[0])

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Rows of equal blocks, those of the body in each copy."""
        for row in self.whole.rows:
            if row[0] not in self.groups:
                yield row
                continue
            for copy in self.names:
                yield tuple(self.named(name, copy) for name in row)
