"""Explore: step through a model, forward and backward, with every number there."""

from __future__ import annotations

import streamlit as st

from ui.state import session


def page() -> None:
    """The page; without a workspace, a word on how to open one."""
    workspace = session().workspace
    if workspace is None:
        st.info("No model is open yet. Pick one in the gallery.")
        return
    st.header(workspace.graph or "A model")
