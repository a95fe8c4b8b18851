"""The file, with the line of the step marked; a line leads to its nodes."""

from __future__ import annotations

import streamlit as st

from graphflow.view.steps import Step
from ui.messages import escaped
from ui.state import ask, move_to, opened, session, text_of
from ui.widgets.lines import lines

KEY = "yaml"


def yaml(steps: tuple[Step, ...]) -> None:
    """The file; of a node that stands in a block of another file, its place there."""
    here, own = session(), opened().owns
    mark = steps[here.cursor].mark if here.cursor >= 0 else None
    if mark is not None and not own(mark.file):
        st.caption(f"This node comes from a block in {escaped(str(mark))}.")
        st.code(mark.text.strip(), language="yaml")
    known = {step.mark.line for step in steps if step.mark and own(step.mark.file)}
    lines(text_of(opened()), mark.line if mark and own(mark.file) else 0, sorted(known), KEY, jump)
    st.caption("A line in full colour makes steps: choose it to go to the next of them.")


def jump(line: int) -> None:
    """To the next step that a line makes; after the last one, to the first."""
    steps: tuple[Step, ...] = ask(tuple, "steps")
    own = opened().owns
    at = [s.index for s in steps if s.mark and s.mark.line == line and own(s.mark.file)]
    if at:
        move_to(next((index for index in at if index > session().cursor), at[0]))
