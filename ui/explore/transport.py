"""Buttons that move the cursor, for whoever does not use the graph: keyboards, screen readers."""

from __future__ import annotations

import streamlit as st

from graphflow.view.steps import Step
from ui.state import START, move_to, session


def move(by: int) -> None:
    """Move the cursor on or back from where it is by now."""
    move_to(max(START, session().cursor + by))


def transport(steps: tuple[Step, ...]) -> None:
    """First, back, step, to the next breakpoint, last."""
    here, last = session(), len(steps) - 1
    at_start, at_end = here.cursor <= START, here.cursor >= last
    with st.container(horizontal=True, gap="small", key="transport"):
        st.button("⏮", key="first", help="before the first step", on_click=move_to, args=(START,),
                  disabled=at_start)  # fmt: skip
        st.button("Back", key="back", shortcut="p", on_click=move, args=(-1,),
                  disabled=at_start)  # fmt: skip
        st.button("Step", key="step", type="primary", shortcut="n", on_click=move,
                  args=(1,), disabled=at_end)  # fmt: skip
        if here.breakpoints or here.stop_above is not None:
            st.button("To breakpoint", key="run", on_click=move_to, args=(next_stop(steps),),
                      disabled=at_end)  # fmt: skip
        st.button("⏭", key="last", help="the last step", on_click=move_to, args=(last,),
                  disabled=at_end)  # fmt: skip


def next_stop(steps: tuple[Step, ...]) -> int:
    """The next step at a breakpoint, with a gradient above the limit, or with a value that is not
    finite; else the last.
    """
    here = session()
    stops = (
        step.index
        for step in steps[here.cursor + 1 :]
        if step.flag or steep(step) or step.is_seen_at(here.breakpoints)
    )
    return next(stops, len(steps) - 1)


def steep(step: Step) -> bool:
    """Whether a step completes a gradient above the limit."""
    above, written = session().stop_above, step.written
    if above is None or written is None or written.norm is None:
        return False
    return written.norm > above
