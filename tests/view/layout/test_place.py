"""What must hold of every layout."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphflow.view.layout import Box, Frame, Link, Placed, Rectangle, place
from graphflow.view.layout.arrange import arranged

Picture = tuple[list[Box], list[Frame], list[Link]]


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Some boxes in nested frames and any links between them, cycles and loops included."""
    parents = [draw(st.integers(-1, i - 1)) for i in range(draw(st.integers(0, 4)))]
    groups = ["", *(f"g{i}" for i in range(len(parents)))]
    sizes = st.sampled_from([(30, 20), (80, 34), (11.5, 7)])
    homes = [*groups[1:], *draw(st.lists(st.sampled_from(groups), min_size=1, max_size=12))]
    boxes = [Box(f"n{i}", *draw(sizes), group=group) for i, group in enumerate(homes)]
    frames = [Frame(f"g{i}", groups[p + 1], title_w=50) for i, p in enumerate(parents)]
    labels = st.sampled_from([(0, 0), (0, 0), (40, 12), (9, 12)])
    number = st.integers(0, len(boxes) - 1)
    ends = draw(st.lists(st.tuples(number, number), max_size=24, unique=True))
    cyclic = draw(st.booleans())
    links = [
        Link(f"n{s}", f"n{t}", *draw(labels), back=cyclic and s >= t)
        for s, t in ends
        if cyclic or s < t
    ]
    return boxes, frames, links


def around(middle: tuple[float, float], w: float, h: float) -> Rectangle:
    return middle[0] - w / 2, middle[1] - h / 2, w, h


def apart(one: Rectangle, other: Rectangle, air: float = 0.0) -> bool:
    return (
        one[0] + one[2] + air <= other[0] + 0.02
        or other[0] + other[2] + air <= one[0] + 0.02
        or one[1] + one[3] + air <= other[1] + 0.02
        or other[1] + other[3] + air <= one[1] + 0.02
    )


def within(inner: Rectangle, outer: Rectangle) -> bool:
    return (
        outer[0] <= inner[0] + 0.02
        and outer[1] <= inner[1] + 0.02
        and inner[0] + inner[2] <= outer[0] + outer[2] + 0.02
        and inner[1] + inner[3] <= outer[1] + outer[3] + 0.02
    )


def homes(boxes: list[Box], frames: list[Frame]) -> dict[str, list[str]]:
    """The frames around each box and frame, "box n0" and "frame g0"."""
    parents = {frame.id: frame.parent for frame in frames}
    found = {}
    for name, group in [
        *((f"box {box.id}", box.group) for box in boxes),
        *((f"frame {frame.id}", frame.parent) for frame in frames),
    ]:
        found[name] = []
        while group:
            found[name].append(f"frame {group}")
            group = parents[group]
    return found


def rectangles(boxes: list[Box], done: Placed) -> dict[str, Rectangle]:
    return {
        **{f"box {box.id}": around(done.boxes[box.id], box.w, box.h) for box in boxes},
        **{f"frame {name}": rectangle for name, rectangle in done.frames.items()},
    }


directions = pytest.mark.parametrize("direction", ["TB", "LR"])


@directions
@given(picture=pictures())
@settings(max_examples=40, deadline=None)
def test_boxes_and_frames_overlap_only_where_one_is_in_the_other(direction, picture):
    boxes, frames, links = picture
    done = place(boxes, frames, links, direction)
    found, outer = rectangles(boxes, done), homes(boxes, frames)
    for one, other in combinations(found, 2):
        if other in outer[one]:
            assert within(found[one], found[other])
        elif one in outer[other]:
            assert within(found[other], found[one])
        else:
            assert apart(found[one], found[other], air=4.0)
    whole = (0.0, 0.0, done.width, done.height)
    assert all(within(rectangle, whole) for rectangle in found.values())


@directions
@given(picture=pictures())
@settings(max_examples=40, deadline=None)
def test_labels_overlap_no_box_and_no_label(direction, picture):
    boxes, frames, links = picture
    done = place(boxes, frames, links, direction)
    labels = [
        around(route.label, link.label_w, link.label_h)
        for link, route in zip(links, done.routes, strict=True)
        if route.label
    ]
    boxed = [around(done.boxes[box.id], box.w, box.h) for box in boxes]
    assert all(apart(label, box) for label in labels for box in boxed)
    assert all(apart(one, other) for one, other in combinations(labels, 2))
    assert all(within(label, (0, 0, done.width, done.height)) for label in labels)


@directions
@given(picture=pictures())
@settings(max_examples=40, deadline=None)
def test_links_go_on_in_the_direction_of_reading_but_for_those_that_lead_back(direction, picture):
    boxes, frames, links = picture
    done = place(boxes, frames, links, direction)
    along = 1 if direction == "TB" else 0
    for link, route in zip(links, done.routes, strict=True):
        assert route.back or not link.back
        steps = [point[along] for point in route.points]
        if not route.back:
            assert steps == sorted(steps)


@directions
@given(picture=pictures())
@settings(max_examples=40, deadline=None)
def test_links_run_from_border_to_border_within_the_picture(direction, picture):
    boxes, frames, links = picture
    done = place(boxes, frames, links, direction)
    sizes = {box.id: (box.w, box.h) for box in boxes}
    for link, route in zip(links, done.routes, strict=True):
        (x, y), (w, h) = done.boxes[link.source], sizes[link.source]
        (to_x, to_y), (to_w, to_h) = done.boxes[link.target], sizes[link.target]
        if direction == "TB":
            ends = (x, y + h / 2), (to_x, to_y - to_h / 2)
        else:
            ends = (x + w / 2, y), (to_x - to_w / 2, to_y)
        assert route.points[0] == pytest.approx(ends[0])
        assert route.points[-1] == pytest.approx(ends[1])
        assert all(-0.02 <= px <= done.width + 0.02 for px, _ in route.points)
        assert all(-0.02 <= py <= done.height + 0.02 for _, py in route.points)


@given(picture=pictures())
@settings(max_examples=30, deadline=None)
def test_a_picture_is_always_laid_out_alike(picture):
    boxes, frames, links = picture
    first = place(boxes, frames, links)
    arranged.cache_clear()
    assert place(boxes, frames, links) == first


@given(picture=pictures())
@settings(max_examples=40, deadline=None)
def test_links_run_through_no_box(picture):
    boxes, frames, links = picture
    done = place(boxes, frames, links)
    found = {box.id: around(done.boxes[box.id], box.w, box.h) for box in boxes}
    for link, route in zip(links, done.routes, strict=True):
        for (x, y), (to_x, to_y) in zip(route.points, route.points[1:], strict=False):
            line = (min(x, to_x), min(y, to_y), abs(x - to_x), abs(y - to_y))
            for name, box in found.items():
                assert apart(line, box), (link, name)
