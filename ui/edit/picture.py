"""The graph of a text under way: the widget that Explore has, without a schedule."""

from __future__ import annotations

import re

import streamlit as st

from graphflow.view.editing import Sketch
from graphflow.view.looking import toggled
from graphflow.view.wire import wire_drawing, wire_look
from ui.edit.desk import Desk
from ui.state import session
from ui.widgets.graph import Handlers, graph

HEIGHT = "clamp(380px, 100vh - 470px, 1100px)"
SIGNS = {"added": "+ new", "retyped": "≠ operator", "reshaped": "↔ shape", "rewired": "~ reads"}


def picture(desk: Desk, made: Sketch) -> None:
    """The picture; of the text as it last was where nothing can be drawn now."""
    shown = made if made.drawing is not None else desk.drawn
    if shown is None:
        st.info("Nothing can be drawn yet: the problems say why.")
        return
    if shown is not made:
        st.caption(":material/history: The graph as it last could be drawn")
    elif made.failing:
        st.caption(":material/error: Lines with an error stand in for themselves; those that need "
                   "them wait.")  # fmt: skip
    graph(data(desk, shown), _handlers(desk, shown))


def entry(made: Sketch, node: str) -> str:
    """The entry of the file that a box is drawn of: its own, or that of the group around it.

    >>> made = Sketch((), None, lines={"h": (3, 3)})
    >>> entry(made, "h"), entry(made, "h.add")
    ('h', 'h')
    """
    return node if node in made.lines else re.split(r"[./]", node)[0]


def box_at(made: Sketch, line: int) -> str:
    """The box of what a line writes, of an open group the last one; "" where none is drawn."""
    nodes = [node.id for node in made.drawing.nodes] if made.drawing else []
    for name, (first, last) in made.lines.items():
        inside = [id for id in nodes if entry(made, id) == name]
        if first <= line <= last and inside:
            return name if name in inside else inside[-1]
    return ""


def data(desk: Desk, made: Sketch) -> dict[str, object]:
    """What the widget is sent."""
    assert made.drawing is not None
    changed = {c.name: SIGNS[c.kind] for c in made.changes or () if c.kind in SIGNS}
    return {
        "rev": made.drawing.rev,
        "drawing": wire_drawing(made.drawing),
        "schedule": None,
        "cursor": -1,
        "selected": session().selected,
        "marks": {
            "breakpoints": [], "watched": [], "changed": changed,
            "failing": made.failing[0] if made.failing else None,
        },
        "options": {**wire_look(desk.look, made.drawing), "height": HEIGHT},
    }  # fmt: skip


def _handlers(desk: Desk, made: Sketch) -> Handlers:
    def select(node: str) -> None:
        session().selected = node
        name = entry(made, node)
        if name in made.lines:
            desk.buffer.go_to(made.lines[name][0], focus=False)

    def toggle(group: str) -> None:
        assert made.drawing is not None
        desk.look = toggled(desk.look, made.drawing, group)

    def option(name: str, value: object) -> None:
        desk.look = desk.look.with_option(name, value)

    return Handlers(selected=select, toggle=toggle, option=option, open=select)
