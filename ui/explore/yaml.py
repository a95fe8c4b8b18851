"""The file, with the line of the step marked; a line leads to its nodes."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from graphflow.diagnostics import Mark
from graphflow.view.steps import Step
from ui.explore.transport import PARTS
from ui.messages import escaped
from ui.state import ask, move_to, opened, session, text
from ui.widgets.lines import lines

KEY = "yaml"


def yaml(steps: tuple[Step, ...]) -> None:
    """The file; of a node that stands in a block of another file, its place there."""
    here = session()
    mark = steps[here.cursor].mark if here.cursor >= 0 else None
    if mark is not None and not is_own(mark):
        st.caption(f"This node comes from a block in {escaped(str(mark))}.")
        st.code(mark.text.strip(), language="yaml")
    known = {step.mark.line for step in steps if step.mark and is_own(step.mark)}
    lines(text(), mark.line if mark and is_own(mark) else 0, sorted(known), KEY, jump)
    st.caption("A line in full colour makes steps: choose it to go to the next of them.")


def jump(line: int) -> None:
    """To the next step that a line makes; after the last one, to the first."""
    steps: tuple[Step, ...] = ask(tuple, "steps")
    at = [s.index for s in steps if s.mark and s.mark.line == line and is_own(s.mark)]
    if at:
        move_to(next((index for index in at if index > session().cursor), at[0]))
    st.rerun(PARTS)


def is_own(mark: Mark) -> bool:
    """Whether a place lies in the file that is open, and not in one of blocks."""
    workspace = opened()
    if workspace.run:
        return Path(mark.file).is_relative_to(workspace.run)
    return mark.file == (workspace.graph or "<text>")
