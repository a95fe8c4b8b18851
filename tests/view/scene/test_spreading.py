"""Loops unrolled in time: copies of the body side by side, and what flows between them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from graphflow.view.scene import drawn
from graphflow.view.workspace import Look
from tests.view.scene.outlines import canned, written

SUMS = """
graphflow: 1
name: sums
inputs: {x: [4], w: scalar}
nodes:
  sums:
    scan: {x_t: x}
    reverse: REVERSE
    carry: {s: 0.0}
    nodes:
      more: w * s + x_t
    next: {s: more}
    collect: [more]
  f: sum(sums.more ** 2)
  g: f + sums.final.s
outputs: [g]
"""


def unrolled(name: str, *opened: str, **look: object):
    loops = [group for group in opened if "." not in group]
    return drawn(canned(name).outline, Look(opened=opened, spread=tuple(loops), **look))


def edges(drawing):
    return {(e.source, e.target, e.back) for e in drawing.edges}


def test_of_many_time_steps_the_first_the_last_and_those_around_a_moment_are_drawn():
    drawing = unrolled("lstm", "lstm", moments={"lstm": 9})
    copies = [g.id for g in drawing.groups if g.parent == "lstm"]
    assert copies == [f"lstm@{t}" for t in (0, 1, 8, 9, 10, 11, 30, 31)]
    left_out = {n.id: (n.label, n.sub) for n in drawing.nodes if n.id.endswith(("..7", "..29"))}
    assert left_out == {
        "lstm@2..7": ("t = 2 … 7", "6 time steps"),
        "lstm@12..29": ("t = 12 … 29", "18 time steps"),
    }
    assert [drawing.copies["lstm"][t] for t in (0, 2, 7, 8, 29, 31)] == [
        "lstm@0", "lstm@2..7", "lstm@2..7", "lstm@8", "lstm@12..29", "lstm@31",
    ]  # fmt: skip
    assert len(drawing.copies["lstm"]) == 32


def test_what_is_carried_on_leads_from_copy_to_copy():
    found = edges(unrolled("lstm", "lstm"))
    for name in "hc":
        starts = {s for s, t, _ in found if t == f"lstm@0/lstm.{name}"}
        assert starts == {f"{name}0"}
        for early, late in [(0, 1), (1, 2), (4, 5), (30, 31)]:
            pair = f"lstm@{early}/lstm.{name}_next", f"lstm@{late}/lstm.{name}"
            assert (*pair, True) in found
    assert ("lstm@5/lstm.h_next", "lstm@6..29", True) in found
    assert ("lstm@6..29", "lstm@30/lstm.h", True) in found


def test_every_copy_reads_its_element_and_gives_what_is_collected():
    found = edges(unrolled("lstm", "lstm"))
    readers = {t for s, t, _ in found if s == "e.rows"}
    assert {f"lstm@{t}/lstm.x" for t in (0, 1, 5, 30, 31)} <= readers
    givers = {s for s, t, _ in found if t == "logits"}
    assert givers == {f"lstm@{t}/lstm.h_next" for t in (0, 1, 2, 3, 4, 5, 30, 31)} | {"lstm@6..29"}


@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_state_leaves_one_copy_alone(reverse):
    """The sum of squares reads ``more`` of every time step, ``g`` what is left after the last."""
    outline = written(SUMS.replace("REVERSE", str(reverse).lower()), "g").outline
    found = edges(drawn(outline, Look(opened=("sums",), spread=("sums",))))
    order = [3, 2, 1, 0] if reverse else [0, 1, 2, 3]
    state = [(f"sums@{a}/sums.more", f"sums@{b}/sums.s", True) for a, b in pairwise(order)]
    assert {edge for edge in found if edge[2]} == set(state)
    copies = {s.split("/")[0] for s, t, _ in found if s.endswith("more") and t[:5] != "sums@"}
    assert copies == {f"sums@{t}" for t in order}
    assert {s for s, t, _ in found if t == "g"} == {f"sums@{order[-1]}/sums.more", "f"}


def test_copies_are_laid_out_equally_side_by_side():
    drawing = unrolled("lstm", "lstm", "lstm/lstm.i")
    frames = [g for g in drawing.groups if g.parent == "lstm"]
    assert len({(g.w, g.h) for g in frames[:-1]}) == 1  # the last one carries nothing on
    assert len({g.y for g in frames[:-1]}) == 1
    assert all(a.x + a.w < b.x for a, b in pairwise(frames))
    places = {n.id: (n.x, n.y) for n in drawing.nodes}
    offsets = [
        {id.partition("/")[2]: complex(x - g.x, y - g.y) for id, (x, y) in places.items()
         if id.startswith(f"{g.id}/")} for g in frames[:-1]
    ]  # fmt: skip
    for other in offsets[1:]:
        assert other == pytest.approx(offsets[0])


def test_a_parameter_is_a_line_in_every_copy_or_one_box_for_all():
    inline = unrolled("lstm", "lstm")
    lines = [n.inline for n in inline.nodes if n.id.endswith("/lstm.i")]
    assert len(lines) == 8 and len(set(lines)) == 1
    shown = unrolled("lstm", "lstm", parameters="shown")
    (box,) = [n for n in shown.nodes if n.id == "Wx"]
    assert box.group == ""
    assert len([e for e in shown.edges if e.source == "Wx"]) == 9  # the copy of those left out, too


def test_groups_inside_open_in_every_copy():
    drawing = unrolled("lstm", "lstm", "lstm/lstm.i")
    inner = {g.id for g in drawing.groups if g.id.endswith("/lstm.i")}
    assert inner == {f"lstm@{t}/lstm.i" for t in (0, 1, 2, 3, 4, 5, 30, 31)}


def test_a_closed_loop_stays_one_box():
    drawing = drawn(canned("lstm").outline, Look(opened=(), spread=("lstm",)))
    assert [n.id for n in drawing.nodes if n.kind == "loop"] == ["lstm"]
    assert not drawing.copies


def test_a_loop_in_a_loop_unrolls_in_every_copy():
    outline = canned("translator").outline
    outer, inner = sorted(
        (g for g in outline.groups.values() if g.kind == "loop" and g.id.startswith("taught")),
        key=lambda group: len(group.id),
    )
    opened = {*outline.path(outer.id), *outline.path(inner.id)}
    look = Look(opened=tuple(opened), spread=(outer.id, inner.id))
    copies = drawn(outline, look).copies
    assert copies[outer.id] == tuple(f"{outer.id}@{t}" for t in range(outer.length))
    for t in range(outer.length):
        within = inner.id.replace(outer.id, f"{outer.id}@{t}", 1)
        assert copies[within] == tuple(f"{within}@{u}" for u in range(inner.length))


STACKED = """
graphflow: 1
name: stacked
inputs: {x: [5, 2, 3], w: [6, 3]}
nodes:
  low:
    scan: {v: x}
    carry: {h: "zeros([2, 3])"}
    nodes: {n: "tanh(concat([v, h], axis=1) @ w)"}
    next: {h: n}
    collect: [n]
  high:
    scan: {v: low.n}
    carry: {h: "zeros([2, 3])"}
    nodes: {n: "tanh(concat([v, h], axis=1) @ w)"}
    next: {h: n}
  f: sum(high.final.h)
outputs: [f]
"""


def test_a_loop_keeps_its_name_where_its_line_makes_more_than_the_loop():
    """The line computes what the loop begins with, too: its frame is called otherwise."""
    outline = written(STACKED, "f").outline
    assert {g.id: g.length for g in outline.groups.values() if g.length} == {"low": 5, "high": 5}
    drawing = drawn(outline, Look(opened=tuple(outline.groups), spread=("low", "high")))
    assert {*drawing.copies} == {"low", "high"}
    assert ("low@3/low.n", "low@4/low.h", True) in edges(drawing)


def test_a_time_step_takes_its_element_of_what_the_loop_below_has_collected():
    outline = written(STACKED, "f").outline
    for order in (("low", "high"), ("high", "low")):
        found = edges(drawn(outline, Look(opened=tuple(outline.groups), spread=order)))
        layers = {(s, t) for s, t, _ in found if s[:4] == "low@" and t[:5] == "high@"}
        assert layers == {(f"low@{t}/low.n", f"high@{t}/high.v") for t in range(5)}
