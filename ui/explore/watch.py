"""Values that are watched while stepping, and nodes at which play stops."""

from __future__ import annotations

import streamlit as st

from graphflow.view.overview import Overview
from graphflow.view.steps import Step
from ui.explore.now import known
from ui.explore.values import value
from ui.messages import escaped
from ui.state import session


def watch(steps: tuple[Step, ...], overview: Overview) -> None:
    """The watched values at the cursor, and the breakpoints."""
    here = session()
    names = [*(leaf.name for leaf in overview.editable), *(step.id for step in steps)]
    st.session_state["watched"] = list(here.watches)
    st.multiselect("Watched values", dict.fromkeys([*names, *here.watches]), key="watched",
                   on_change=_watched, select_all=False,
                   placeholder="a value to watch: or press W on a node")  # fmt: skip
    for name in here.watches:
        shown = known(name)
        if shown is None:
            st.markdown(f"**{escaped(name)}** :gray[not there yet]")
        else:
            value(shown)
    st.session_state["stops"] = list(here.breakpoints)
    st.multiselect("Breakpoints", dict.fromkeys([*names, *here.breakpoints]), key="stops",
                   on_change=_stops, select_all=False,
                   placeholder="a node to stop at: or press B on it")  # fmt: skip
    st.caption(
        "Play, and the button *To breakpoint*, stop there, and where a value is not finite;"
        " below the graph is a limit for gradients, too."
    )


def _watched() -> None:
    session().watches = tuple(st.session_state["watched"])


def _stops() -> None:
    session().breakpoints = tuple(st.session_state["stops"])
