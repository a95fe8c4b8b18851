"""Pictures small enough to be worked out by hand, and large ones that must not break it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from graphflow.view.layout import Box, Frame, Link, place


def boxes(*names: str, group: str = "") -> list[Box]:
    return [Box(name, 40, 20, group) for name in names]


def chain(*names: str) -> list[Link]:
    return [Link(one, other) for one, other in pairwise(names)]


def test_a_chain_is_a_straight_line_from_top_to_bottom():
    done = place(boxes("a", "b", "c"), [], chain("a", "b", "c"))
    assert done.boxes == {"a": (20, 10), "b": (20, 50), "c": (20, 90)}
    assert (done.width, done.height) == (40, 100)
    assert [route.points for route in done.routes] == [
        ((20, 20), (20, 40)), ((20, 60), (20, 80))
    ]  # fmt: skip


def test_reading_to_the_right_swaps_the_axes():
    done = place(boxes("a", "b"), [], chain("a", "b"), "LR")
    assert done.boxes == {"a": (20, 10), "b": (88, 10)}
    assert done.routes[0].points == ((40, 10), (68, 10))


def test_what_two_sources_feed_stands_below_the_middle_of_them():
    done = place(boxes("x", "y", "q"), [], [Link("x", "q"), Link("y", "q")])
    (x, _), (y, _), (q, _) = (done.boxes[name] for name in "xyq")
    assert q == pytest.approx((x + y) / 2)


def test_a_source_stands_just_above_its_first_reader():
    links = [*chain("a", "b", "c", "d"), Link("w", "d"), Link("v", "w")]
    done = place(boxes("a", "b", "c", "d", "w", "v"), [], links)
    assert done.boxes["w"][1] == done.boxes["c"][1]
    assert done.boxes["v"][1] == done.boxes["b"][1]


def test_the_longest_path_is_straight_and_what_skips_it_runs_beside_it_in_one_line():
    links = [*chain("x", "conv", "norm", "relu", "sum", "out"), Link("x", "sum")]
    done = place(boxes("x", "conv", "norm", "relu", "sum", "out"), [], links)
    assert len({x for x, _ in done.boxes.values()}) == 1
    beside = [x for x, _ in done.routes[-1].points[1:-1]]
    assert set(beside) == {beside[0]}
    assert beside[0] > done.boxes["norm"][0] + 20


def test_a_path_goes_straight_through_the_frames_on_its_way():
    inside = [*boxes("b", "c", group="g"), Box("p", 70, 20, "g")]
    links = [*chain("a", "b", "c", "d"), Link("p", "c")]
    done = place([*boxes("a"), *inside, *boxes("d")], [Frame("g")], links)
    assert len({done.boxes[name][0] for name in "abcd"}) == 1


def test_equal_blocks_look_equal():
    parts, frames, links = boxes("x"), [], []
    before = "x"
    for i in range(3):
        names = [f"{part}{i}" for part in ("w", "mul", "add", "sum")]
        parts += boxes(*names, group=f"block{i}")
        frames.append(Frame(f"block{i}"))
        w, mul, add, total = names
        links += [Link(before, mul), Link(w, mul), *chain(mul, add, total), Link(before, total)]
        before = total
    done = place(parts, frames, links)
    shapes = set()
    for i in range(3):
        left, top, *size = done.frames[f"block{i}"]
        spots = [done.boxes[f"{part}{i}"] for part in ("w", "mul", "add", "sum")]
        shapes.add((*size, *((round(x - left, 1), round(y - top, 1)) for x, y in spots)))
    assert len(shapes) == 1


def test_links_of_one_value_run_together_and_are_labelled_once():
    links = [
        Link("a", "b", 20, 12), Link("b", "c", 20, 12), Link("c", "d", 20, 12),
        Link("a", "c", 20, 12), Link("a", "d", 20, 12),
    ]  # fmt: skip
    done = place(boxes("a", "b", "c", "d"), [], links)
    near, far = done.routes[3].points, done.routes[4].points
    assert far[: len(near) - 2] == near[:-2]
    assert [route.label is None for route in done.routes] == [False, False, False, True, True]


def test_what_leads_back_runs_beside_everything_it_passes():
    links = [*chain("h", "cell", "next"), Link("next", "h", back=True)]
    done = place(boxes("h", "cell", "next"), [], links)
    route = done.routes[-1]
    assert route.back
    assert route.points[0] == (done.boxes["next"][0], done.boxes["next"][1] + 10)
    assert route.points[-1] == (done.boxes["h"][0], done.boxes["h"][1] - 10)
    lane = {x for x, _ in route.points[2:4]}
    assert len(lane) == 1
    assert abs(lane.pop() - done.boxes["cell"][0]) > 20


def test_a_cycle_is_opened_at_one_link():
    done = place(boxes("a", "b", "c"), [], [*chain("a", "b", "c"), Link("c", "a")])
    assert [route.back for route in done.routes] == [False, False, True]


def test_a_box_may_read_itself():
    done = place(boxes("loop"), [], [Link("loop", "loop", 20, 12, back=True)])
    assert done.routes[0].back
    assert done.routes[0].label is not None


def test_a_frame_is_as_wide_as_its_title_and_has_its_content_in_the_middle():
    done = place(boxes("a", group="g"), [Frame("g", title_w=200)], [])
    x, _, w, _ = done.frames["g"]
    assert w == 200 + 2 * 10
    assert done.boxes["a"][0] == x + w / 2


def test_a_box_and_a_frame_may_bear_one_name():
    done = place([*boxes("f"), *boxes("a", group="f")], [Frame("f")], [Link("a", "f")])
    assert done.boxes["f"][1] > done.frames["f"][1] + done.frames["f"][3]


def test_nothing_is_a_picture_too():
    done = place([], [], [])
    assert (done.width, done.height, done.routes) == (0, 0, ())


def test_a_chain_of_five_thousand():
    names = [f"n{i}" for i in range(5_000)]
    done = place(boxes(*names), [], chain(*names))
    assert done.height == 5_000 * 20 + 4_999 * 20


def test_frames_within_frames_two_hundred_deep():
    frames = [Frame(f"g{i}", f"g{i - 1}" if i else "") for i in range(200)]
    done = place([Box("a", 40, 20, "g199"), *boxes("b")], frames, [Link("a", "b")])
    assert done.width == 40 + 200 * 20
    assert len(done.routes[0].points) >= 2


def test_two_ways_back_do_not_run_on_top_of_one_another():
    ends = [("next", "h"), ("next", "c"), ("cell", "h")]
    links = [Link("h", "cell"), Link("c", "cell"), Link("cell", "next")]
    links += [Link(source, target, back=True) for source, target in ends]
    done = place(boxes("h", "c", "x", "cell", "next"), [], [*links, Link("x", "cell")])
    lines = [
        [(one, other) for one, other in pairwise(route.points[1:-1]) if one != other]
        for route in done.routes[3:6]
    ]
    upright = [{one[0] for one, other in way if one[0] == other[0]} for way in lines]
    assert len(set.union(*upright)) == 3


def test_what_hangs_on_sources_alone_stands_left_of_the_path_and_what_is_shared_right():
    links = [*chain("x", "y", "a", "b", "c"), *chain("w", "t", "b"), Link("m", "a"), Link("m", "c")]
    done = place(boxes("x", "y", "a", "b", "c", "w", "t", "m"), [], links)
    left, middle = done.boxes["t"][0], done.boxes["b"][0]
    assert left < middle
    assert max(x for x, _ in done.routes[-1].points) > middle


def test_a_long_chain_whose_every_node_the_last_one_reads():
    names = [f"n{i}" for i in range(150)]
    links = [*chain(*names), *(Link(name, "n149", 20, 12) for name in names[:-2])]
    done = place(boxes(*names), [], links)
    assert done.width < 1_000
    assert not any(route.back for route in done.routes)
