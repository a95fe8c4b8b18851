"""The schedule as a table whose selected row is the cursor: the graph, for screen readers."""

from __future__ import annotations

from typing import cast

import streamlit as st

from graphflow.view.steps import Step
from ui.explore.now import SIGNS
from ui.state import move_to, session

KEY = "schedule_table"


def table(steps: tuple[Step, ...], turns: tuple[str, ...]) -> None:
    """All steps; to select one is to go there."""
    here = session()
    rows = {
        "step": [step.index + 1 for step in steps],
        **({"turn": [turns[step.turn] for step in steps]} if len(turns) > 1 else {}),
        "phase": [SIGNS[step.phase] for step in steps],
        "what happened": [step.text for step in steps],
        "node": [step.id for step in steps],
        "block": [" › ".join(step.block) for step in steps],
        "⚠": [step.flag for step in steps],
    }
    st.session_state[KEY] = {"selection": {"rows": [here.cursor] if here.cursor >= 0 else []}}
    st.dataframe(
        rows, hide_index=True, height=420, key=KEY, on_select=_picked, selection_mode="single-row",
    )  # fmt: skip


def _picked() -> None:
    chosen = cast("dict[str, dict[str, list[int]]]", st.session_state[KEY])
    rows = chosen["selection"]["rows"]
    if rows:
        move_to(rows[0])
