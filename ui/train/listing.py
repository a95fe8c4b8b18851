"""The runs there are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from graphflow.studio.jobs import Standing
from ui.messages import escaped
from ui.train.controls import SIGNS

SHOWN = "train_shown"
"""Where a session keeps which run it looks at."""


def listing(found: Sequence[Standing]) -> None:
    """All runs, newest first, each a button that shows it."""
    st.subheader("Runs", anchor=False)
    if not found:
        st.caption("None yet.")
    with st.container(height=min(420, 64 * max(1, len(found)) + 20), border=False):
        for each in found:
            path = str(each.entry.path)
            st.button(
                f"{escaped(each.entry.path.name)} · {each.state}", key=f"train_open_{path}",
                icon=SIGNS.get(each.state), width="stretch", on_click=show_run, args=(path,),
                type="primary" if path == st.session_state.get(SHOWN) else "secondary",
            )  # fmt: skip


def show_run(path: str) -> None:
    """Look at a run."""
    st.session_state[SHOWN] = path
