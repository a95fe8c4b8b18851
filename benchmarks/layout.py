"""How long a drawing's layout takes, from boxes and links to places and routes.

    python benchmarks/layout.py

Goals: 66 boxes in under 50 ms, 402 boxes in 57 frames in under 100 ms, 1,570 boxes in under 500 ms,
with labels on all links. The stacks are residual blocks of a Transformer's kind, frames within
frames; once all blocks are equal, which are laid out once, and once no two are. "again" is the
same picture with one frame closed, after the first one: what a click costs. Then the canned graphs
with everything open, as the studio draws them, and the same once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import graphflow as gf
from graphflow.view.layout import Box, Frame, Link, place
from graphflow.view.layout.arrange import arranged
from graphflow.view.scene import drawn, outlined
from graphflow.view.workspace import Look

ROUNDS = 7
STACKS = ((4, 16), (25, 16), (98, 16))
"""Blocks, and boxes in each; input and output come on top."""
GRAPHS = ("lstm", "lenet", "resnet18", "transformer", "gpt")

Picture = tuple[list[Box], list[Frame], list[Link]]


def stack(blocks: int, size: int, equal: bool) -> Picture:
    """Blocks on one another, each a frame with two branches that meet and a link around them.

    Every third block has a frame within it; four blocks at a time are in a frame of their own.
    """
    boxes, frames, links = [Box("x", 60, 40)], [], []
    before = "x"
    for block in range(blocks):
        stage, name = f"stage{block // 4}", f"block{block}"
        if not block % 4:
            frames.append(Frame(stage, title_w=50))
        frames.append(Frame(name, stage, title_w=60))
        inner = f"{name}/inner"
        frames.append(Frame(inner, name, title_w=50))
        names = [f"{name}.{i}" for i in range(size)]
        for i, box in enumerate(names):
            width = 60 + 8 * (i % 5) + (0 if equal else block / 8)
            boxes.append(Box(box, width, 40, inner if i < size // 2 else name))
        ends = [(before, names[0]), *pairwise(names[:-4])]
        ends += [(names[0], names[5]), (names[1], names[7]), (before, names[-5])]
        ends += [(names[-4], names[2]), (names[-3], names[4]), (names[-2], names[9])]
        ends += [(names[-5], names[-1])]
        links += [Link(source, target, 40, 13) for source, target in ends]
        before = names[-1]
    boxes.append(Box("y", 60, 40))
    return boxes, frames, [*links, Link(before, "y", 40, 13)]


def closed(picture: Picture) -> Picture:
    """The picture with its second block closed."""
    boxes, frames, links = picture
    shut = {box.id for box in boxes if box.group.startswith("block1/") or box.group == "block1"}
    kept = [box for box in boxes if box.id not in shut]
    ends = dict.fromkeys(
        tuple("block1" if end in shut else end for end in (link.source, link.target))
        for link in links
    )
    return (
        [*kept, Box("block1", 90, 40, "stage0")],
        [frame for frame in frames if frame.id not in ("block1", "block1/inner")],
        [Link(*pair, 40, 13) for pair in ends if pair[0] != pair[1]],
    )


def milliseconds(run: Callable[[], object], before: Callable[[], object]) -> float:
    """The shortest processor time of ``run``, after ``before`` each time."""
    times = []
    for _ in range(ROUNDS):
        before()
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def show(name: str, picture: Sequence[Sequence[object]], first: float, again: float) -> None:
    """One line of the table."""
    boxes, frames, links = map(len, picture)
    print(f"{name:<22}{boxes:>6}{frames:>7}{links:>6}{first:>10.1f}{again:>10.1f}")


def main() -> None:
    fresh = arranged.cache_clear
    print(f"{'':<22}{'boxes':>6}{'frames':>7}{'links':>6}{'first ms':>10}{'again ms':>10}")
    for blocks, size in STACKS:
        for equal in (True, False):
            picture = stack(blocks, size, equal)
            other = closed(picture)

            def opened(picture: Picture = picture) -> None:
                fresh()
                place(*picture)

            first = milliseconds(lambda p=picture: place(*p), fresh)
            again = milliseconds(lambda p=other: place(*p), opened)
            name = f"{blocks} {'equal' if equal else 'different'} blocks"
            show(name, picture, first, again)
    for graph in GRAPHS:
        elaborated = gf.load(graph).elaborated
        outline = outlined([elaborated.graph], elaborated.calls)
        look = Look(opened=tuple(outline.groups), folded=False)
        drawing = drawn(outline, look)
        first = milliseconds(lambda o=outline, k=look: drawn(o, k), fresh)
        again = milliseconds(lambda o=outline, k=look: drawn(o, k), lambda: None)
        show(graph, (drawing.nodes, drawing.groups, drawing.edges), first, again)


if __name__ == "__main__":
    main()
