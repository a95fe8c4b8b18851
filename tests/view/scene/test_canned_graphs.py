"""What must hold of the drawings of every canned graph, whatever is open."""

from __future__ import annotations

import json

import pytest

from graphflow.view.drawing import Drawing
from graphflow.view.scene import Outline, Places, drawn
from graphflow.view.scene.opening import READABLE
from graphflow.view.wire import wire_drawing
from graphflow.view.workspace import Look
from tests.canned import graphs
from tests.view.scene.outlines import Case, canned


def look(outline: Outline, opened: str, **settings: object) -> Look:
    """A look by the name of what is open."""
    groups = {"nothing": (), "all": tuple(outline.groups), "first": None}[opened]
    return Look(opened=groups, **settings)  # type: ignore[arg-type]


@pytest.fixture(params=graphs())
def case(request: pytest.FixtureRequest) -> Case:
    return canned(request.param)


@pytest.fixture(params=["nothing", "first", "all"])
def drawing(case: Case, request: pytest.FixtureRequest) -> Drawing:
    return drawn(case.outline, look(case.outline, request.param))


def test_every_forward_node_is_seen_in_a_box_and_every_group_somewhere(case, drawing):
    boxes = {node.id for node in drawing.nodes}
    forward = [n.name for n in case.graph if case.graph.origin(n.name).phase == "forward"]
    for name in [*forward, *case.outline.boxes]:
        assert drawing.shown_as.get(name, name) in boxes, name
    frames = {group.id for group in drawing.groups}
    for name in case.outline.groups:
        assert name in frames or drawing.shown_as.get(name, name) in boxes, name


def test_every_step_has_a_place_that_is_seen(case, drawing):
    boxes = {node.id for node in drawing.nodes}
    places = Places(case.outline)
    for node in case.graph:
        place, edge, block, seen = places.placed(case.graph, node.name)
        for name in (place, *(edge or ())):
            assert drawing.shown_as.get(name, name) in boxes, (node.name, name)
        assert all(group in case.outline.groups for group in block)
        assert place in seen and seen <= {*case.outline.boxes, *case.outline.stands_for, *block}


def test_boxes_and_edges_are_told_apart_and_have_their_ends(drawing):
    boxes = [node.id for node in drawing.nodes]
    frames = [group.id for group in drawing.groups]
    assert len(set(boxes)) == len(boxes) and len(set(frames)) == len(frames)
    ends = [(edge.source, edge.target, edge.back) for edge in drawing.edges]
    assert len(set(ends)) == len(ends)
    assert {end for edge in ends for end in edge[:2]} <= set(boxes)
    assert all(edge.source != edge.target for edge in drawing.edges)


def test_groups_nest_in_each_other_and_around_their_boxes(drawing):
    frames = {group.id: group for group in drawing.groups}
    for group in drawing.groups:
        if group.parent:
            outer = frames[group.parent]
            assert outer.x <= group.x and group.x + group.w <= outer.x + outer.w
            assert outer.y <= group.y and group.y + group.h <= outer.y + outer.h
    for node in drawing.nodes:
        if node.group:
            outer = frames[node.group]
            assert outer.x <= node.x - node.w / 2 and node.x + node.w / 2 <= outer.x + outer.w
            assert outer.y <= node.y - node.h / 2 and node.y + node.h / 2 <= outer.y + outer.h


def test_no_group_holds_one_thing_alone(case):
    outline = case.outline
    for name, group in outline.groups.items():
        inner = [box for box in outline.boxes.values() if box.group == name and not box.text]
        groups = [other for other in outline.groups.values() if other.parent == name]
        assert group.kind == "loop" or len(inner) + len(groups) > 1, name


def test_what_is_open_at_first_can_be_taken_in(case):
    assert len(drawn(case.outline, Look()).nodes) <= READABLE + 5


def test_the_same_look_gives_the_same_drawing(case):
    assert drawn(case.outline, Look()) == drawn(case.outline, Look())


def test_opening_and_closing_any_group_changes_that_group_alone(case):
    outline = case.outline
    for name in list(outline.groups)[:: max(1, len(outline.groups) // 8)]:
        *opened, _ = outline.path(name)
        closed, open_ = (drawn(outline, Look(opened=o, folded=False))
                         for o in (opened, (*opened, name)))  # fmt: skip
        before, after = ({node.id for node in d.nodes} for d in (closed, open_))
        assert {g.id for g in open_.groups} - {g.id for g in closed.groups} == {name}
        assert before - after <= {name}


@pytest.mark.parametrize("opened", ["first", "all"])
def test_drawings_go_to_the_browser_without_nan(case, opened):
    drawing = drawn(case.outline, look(case.outline, opened))
    assert json.loads(json.dumps(wire_drawing(drawing), allow_nan=False))["rev"] == drawing.rev
