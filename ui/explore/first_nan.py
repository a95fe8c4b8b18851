"""The first value that is not finite: which, from what, why, and the way there."""

from __future__ import annotations

import streamlit as st

from graphflow.view.overlay import Failing
from graphflow.view.steps import Step
from ui.messages import escaped
from ui.state import ask, move_to


def first_nan(steps: tuple[Step, ...]) -> None:
    """A line and a button, where a value that is not finite has spoilt something."""
    if not any(step.flag for step in steps):
        return
    found = ask(object, "failing")
    if not isinstance(found, Failing):
        return
    operands = f" · {'; '.join(found.operands)}" if found.operands else ""
    line, way = st.columns([0.82, 0.18], vertical_alignment="center")
    line.markdown(
        f":red-badge[✕ step {found.index + 1}] **{escaped(found.text)}**"
        f"{escaped(operands)} · {escaped(found.help)}"
    )
    way.button("Go to the first NaN", key="first_nan", on_click=move_to, args=(found.index,),
               width="stretch")  # fmt: skip
