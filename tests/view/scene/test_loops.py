"""Loops: a box when closed, a frame around one turn when open, what is carried on dashed."""

from __future__ import annotations

from graphflow.view.scene import Places, drawn
from graphflow.view.workspace import Look
from tests.view.scene.outlines import canned, written


def edges(drawing):
    return {(e.source, e.target, e.back) for e in drawing.edges}


def test_a_closed_loop_is_one_box_that_says_how_often_it_runs():
    drawing = drawn(canned("lstm").outline, Look(opened=()))
    (box,) = [n for n in drawing.nodes if n.kind == "loop"]
    assert (box.id, box.label, box.sub) == ("lstm", "lstm", "loop, 32 steps")
    assert drawing.shown_as["lstm/lstm.c_next"] == drawing.shown_as["lstm.h_next"] == "lstm"


def test_an_open_loop_shows_one_turn_with_what_it_carries_on():
    drawing = drawn(canned("lstm").outline, Look(opened=("lstm",)))
    (group,) = drawing.groups
    assert (group.id, group.length) == ("lstm", 32)
    labels = {n.id: n.label for n in drawing.nodes}
    assert {labels[f"lstm/lstm.{name}"] for name in "hcx"} == {"h", "c", "x"}
    found = edges(drawing)
    assert ("h0", "lstm/lstm.h", False) in found and ("c0", "lstm/lstm.c", False) in found
    assert ("lstm/lstm.h_next", "lstm/lstm.h", True) in found
    assert ("lstm/lstm.c_next", "lstm/lstm.c", True) in found


def test_edges_inside_a_loop_have_the_shapes_of_one_step():
    drawing = drawn(canned("lstm").outline, Look(opened=("lstm",)))
    shapes = {(e.source, e.target): e.label for e in drawing.edges}
    assert shapes["e.rows", "lstm/lstm.x"] == "32x4x32"  # steps, batch, embedding
    assert shapes["lstm/lstm.x", "lstm/lstm.i"] == "4x32"


def test_a_result_of_a_loop_is_seen_where_it_is_made():
    drawing = drawn(canned("lstm").outline, Look(opened=("lstm", "lstm/lstm.h_next")))
    assert drawing.shown_as["lstm.h_next"] == "lstm/lstm.h_next"
    assert ("lstm/lstm.h_next", "logits", False) in edges(drawing)


def test_a_step_inside_a_loop_is_seen_inside():
    case = canned("lstm")
    places, body = Places(case.outline), case.graph.nodes["lstm"].attr("body")
    place = places.placed(body, "lstm.c_next", [("lstm", 3)])
    assert place.place == "lstm/lstm.c_next"
    assert place.block == ("lstm", "lstm/lstm.c_next")


def test_back_propagation_through_time_is_seen_at_the_turn_it_differentiates():
    case = canned("lstm")
    back = case.graph.nodes["lstm.vjp.scan"].attr("body")
    place = Places(case.outline).placed(back, "lstm.c_next.tanh.grad", [("lstm", 3)])
    assert place.place == "lstm/lstm.c_next.tanh"
    assert place.edge == ("lstm/lstm.c_next.tanh", "lstm/lstm.c_next.mul2")


def test_a_loop_with_a_condition_shows_the_condition():
    text = """
    graphflow: 1
    name: root
    nodes:
      root: {while: abs(x * x - 2) > 1e-6, carry: {x: 1.0}, next: {x: (x + 2 / x) / 2}}
      y: 3 * root.x
    outputs: [y]
    """
    outline = written(text, "y").outline
    drawing = drawn(outline, Look(opened=("root",)))
    subs = {n.sub for n in drawing.nodes if n.group == "root"}
    assert {"x * x", "… - 2", "… > 1e-06", "… / 2", "2 / x", "x + …"} <= subs
    assert any(e.back for e in drawing.edges)


def test_a_choice_shows_both_branches_and_what_chooses():
    text = """
    graphflow: 1
    name: choice
    inputs: {x: scalar}
    nodes:
      y: {cond: x > 0, then: exp(x) + x, else: 2 * sin(x)}
      z: 3 * y
    outputs: [z]
    """
    outline = written(text, "z").outline
    drawing = drawn(outline, Look(opened=tuple(outline.groups)))
    assert {g.label for g in drawing.groups} == {"y · if", "then", "else"}
    ends = {e.target for e in drawing.edges if e.source == "y.condition" or "greater" in e.source}
    assert len(ends) == 2
