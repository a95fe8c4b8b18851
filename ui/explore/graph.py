"""The graph on the page: what the widget is sent, and what follows from what it says.

It comes in halves, one by the picture and one by the panel, each drawn again by itself: a step
costs no picture, and opening a group no panel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

import streamlit as st

from graphflow.view.drawing import Drawing
from graphflow.view.looking import followed, toggled
from graphflow.view.overlay import Overlay
from graphflow.view.overview import Overview
from graphflow.view.steps import Step
from graphflow.view.wire import Wire, wire_drawing, wire_look, wire_overlay
from graphflow.view.workspace import Look, OverlayKind
from ui.explore.header import iterate
from ui.messages import show, show_errors
from ui.state import START, ask, move_to, opened, refusal, session, try_change
from ui.widgets.graph import Handlers, graph, panel

TAB = "explore_tab"
"""Which tab of the panel beside the graph is open."""
SENT = "graph_sent"
"""The names of the drawing and of the schedule that the widget has."""
UNROLL = "unroll"
"""Where the refusal to walk inside a loop is told: above the graph."""
HEIGHT = "clamp(380px, 100vh - 400px, 1100px)"
"""Of the picture: so that the bar below it is seen, too."""


def drawn() -> None:
    """The widget, with everything that it does not have yet."""
    error = refusal(UNROLL)
    if error is not None:
        show(error)
    with show_errors():
        graph(data(session().look), HANDLERS)


def listening() -> None:
    """What the panel tells the graph, and hears from it."""
    here = session()
    with show_errors():
        follow()
        panel(
            {
                "turn": next_turn(), "cursor": here.cursor, "move": here.move,
                "rev": ask(Drawing, "drawing", here.look).rev,
                "marks": {"breakpoints": list(here.breakpoints), "watched": list(here.watches)},
            },
            HANDLERS,
        )  # fmt: skip


def next_turn() -> int:
    """The number of what is sent to one of the halves, so that the graph knows the later one."""
    session().turn += 1
    return session().turn


def follow() -> None:
    """Where loops are unrolled in time, show the time steps that the cursor is at."""
    here = session()
    if here.look.spread and here.cursor != START:
        step: Step = ask(tuple, "steps")[here.cursor]
        here.look = followed(here.look, ask(Drawing, "drawing", here.look), step.within)


def data(look: Look) -> dict[str, Wire]:
    """What the widget is sent: drawing and schedule only where it has others."""
    here = session()
    drawing = ask(Drawing, "drawing", look)
    schedule: dict[str, Wire] = ask(dict, "schedule")
    walked = schedule["rev"]
    sent = st.session_state.setdefault(SENT, {})
    large: dict[str, Wire] = {}
    if sent.get("drawing") != drawing.rev:
        large["drawing"] = wire_drawing(drawing)
    if sent.get("schedule") != walked:
        large["schedule"] = schedule
    st.session_state[SENT] = {"drawing": drawing.rev, "schedule": walked}
    overlay = ask(Overlay, "overlay", here.overlay, look)
    return {
        "halved": True, "turn": next_turn(), "rev": drawing.rev, "schedule_rev": walked,
        "overlay": wire_overlay(overlay), "marks": marks(overlay),
        "options": {**wire_look(look, drawing), "height": HEIGHT, "stop_above": here.stop_above},
        **large,
    }  # fmt: skip


def marks(overlay: Overlay) -> dict[str, Wire]:
    """What the overlay marks on the boxes."""
    changed = {id: mark.text for id, mark in overlay.marks.items() if mark.flag == "changed"}
    return {"changed": changed, "failing": overlay.failing or None}


def _cursor(cursor: int) -> None:
    session().cursor = cursor


def _selected(node: str) -> None:
    session().selected = node


def _toggle(group: str) -> None:
    here = session()
    look = toggled(here.look, ask(Drawing, "drawing", here.look), group)
    if all(walked_inside(loop) for loop in set(look.spread) - set(here.look.spread)):
        here.look = look


def walked_inside(loop: str) -> bool:
    """Walk the time steps of a loop one by one, the cursor staying at its step. Whether they are,
    or have no steps of their own anyway; if they would be too many, that is told above the graph.
    """
    here, workspace = session(), opened()
    known = {each.name for each in ask(Overview, "overview").loops}
    if loop in workspace.unrolled or loop not in known:
        return True
    steps: tuple[Step, ...] = ask(tuple, "steps")
    step = steps[here.cursor] if here.cursor != START else None
    if not try_change(replace(workspace, unrolled=(*workspace.unrolled, loop)), UNROLL):
        return False
    same = (
        each.index for each in ask(tuple, "steps")
        if step and (each.turn, each.id, each.within) == (step.turn, step.id, step.within)
    )  # fmt: skip
    move_to(next(same, START))
    return True


def _option(name: str, value: object) -> None:
    here = session()
    here.look = here.look.with_option(name, value)
    if name == "overlay" and value in get_args(OverlayKind):
        here.overlay = cast(OverlayKind, value)
    if name == "stop_above" and (value is None or type(value) in (int, float)):
        here.stop_above = None if value is None else float(cast(float, value))


def flipped(names: tuple[str, ...], these: tuple[str, ...]) -> tuple[str, ...]:
    """The names without these, if all of them were there; else with all of them.

    >>> flipped(("a", "b"), ("b", "c")), flipped(("a", "b", "c"), ("b", "c"))
    (('a', 'b', 'c'), ('a',))
    """
    others = tuple(name for name in names if name not in these)
    return others if set(these) <= set(names) else (*others, *these)


def _breakpoint(node: str) -> None:
    """On a box that stands for a row of blocks, in all of them."""
    here = session()
    boxes = ask(Drawing, "drawing", here.look).nodes
    row = next((box.row for box in boxes if box.id == node and box.row), (node,))
    here.breakpoints = flipped(here.breakpoints, row)


def _watch(node: str) -> None:
    session().watches = flipped(session().watches, (node,))


def _open(node: str) -> None:
    session().selected = node
    st.session_state[TAB] = "Now"


def _need(what: str) -> None:
    for part in what.split():
        st.session_state.get(SENT, {}).pop(part, None)


def _iterate(by: int) -> None:
    if ask(Overview, "overview").walk == "training" and by in (1, -1):
        iterate(by)
        st.rerun(scope="app")


HANDLERS = Handlers(
    selected=_selected, toggle=_toggle, option=_option, open=_open, cursor=_cursor,
    breakpoint=_breakpoint, watch=_watch, need=_need, iterate=_iterate,
)  # fmt: skip
