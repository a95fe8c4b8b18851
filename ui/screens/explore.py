"""Explore: step through a model, forward and backward, with every number there."""

from __future__ import annotations

import streamlit as st

from graphflow.view.drawing import Drawing
from graphflow.view.overview import Overview
from graphflow.view.shown import Detail
from graphflow.view.steps import Step
from graphflow.view.workspace import Workspace
from ui.explore import (
    addresses,
    chain,
    check,
    maps,
    memory,
    now,
    table,
    times,
    transport,
    watch,
    yaml,
)
from ui.explore.first_nan import first_nan
from ui.explore.graph import TAB, drawn, listening
from ui.explore.header import header
from ui.messages import escaped, show_errors
from ui.state import START, ask, opened, session

TABS = ("Now", "Chain", "Check", "YAML", "Memory", "Time", "Watch", "Maps", "Table")
OPENING = "Opening {}: reading the file, laying out its plan, running every step once …"


def page() -> None:
    """The page; without a workspace, a word on how to open one."""
    with show_errors():
        if session().workspace is None:
            st.info("No model is open yet. Pick one in the gallery.")
            return
        here = session()
        with st.spinner(OPENING.format(escaped(opened().title)), show_time=True):
            overview = ask(Overview, "overview")
            steps: tuple[Step, ...] = ask(tuple, "steps")
            ask(Drawing, "drawing", here.look)
        here.cursor = max(START, min(here.cursor, len(steps) - 1))
        addresses.follow()
        header(overview)
        first_nan(steps)
        left, right = st.columns([0.68, 0.32], gap="medium")
        with left:
            picture(opened())
        with right:
            detail(overview, steps, opened())


@st.fragment
def picture(of: Workspace) -> None:
    """The graph."""
    whole_page_if_not(of)
    drawn()


def whole_page_if_not(of: Workspace) -> None:
    """Draw all of the page again where another workspace than this one is open by now, as unrolling
    a loop does.
    """
    if opened() != of:
        st.rerun()


@st.fragment
def detail(overview: Overview, steps: tuple[Step, ...], of: Workspace) -> None:
    """What there is to know about the step at the cursor."""
    whole_page_if_not(of)
    here = session()
    listening()
    transport.transport(steps)
    if here.cursor == START:
        now.beginning(steps)
    else:
        now.place(steps[here.cursor], len(steps))
    tabs = st.tabs(TABS, on_change="rerun", key=TAB)
    for name, tab in zip(TABS, tabs, strict=True):
        if tab.open:
            with tab, show_errors():
                panel(name, overview, steps)


def panel(name: str, overview: Overview, steps: tuple[Step, ...]) -> None:
    """One of the tabs."""
    found = ask(Detail, "detail", session().cursor) if session().cursor != START else None
    match name:
        case "Now":
            now.selection()
            if found is not None:
                now.now(found)
            else:
                now.leaves(overview)
        case "Chain":
            chain.chain(found.chain if found else None)
        case "Check":
            check.check(overview.by, steps, session().cursor)
        case "YAML":
            yaml.yaml(steps)
        case "Memory":
            memory.memory(steps)
        case "Time":
            times.times(overview)
        case "Watch":
            watch.watch(steps, overview)
        case "Maps":
            maps.maps()
        case _:
            table.table(steps, overview.turns)
