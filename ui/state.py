"""What one visitor has open: a workspace, how it is looked at, and where the cursor stands.

All of it is small and frozen; the model itself lives in a worker process and is made again from the
workspace whenever it is needed, so nothing here can be lost with it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import cast

import streamlit as st

from graphflow.view.workspace import Look, Workspace

KEY = "graphflow_session"
START = -1
"""The cursor before the first step."""


@dataclass
class Session:
    """One visitor. ``cursor`` is the index of the step that is shown, -1 before the first."""

    workspace: Workspace | None = None
    look: Look = field(default_factory=Look)
    cursor: int = START
    watches: tuple[str, ...] = ()
    breakpoints: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


def session() -> Session:
    """The session of whoever looks at this page."""
    if KEY not in st.session_state:
        st.session_state[KEY] = Session()
    return cast(Session, st.session_state[KEY])


def open_workspace(workspace: Workspace, look: Look | None = None, cursor: int = START) -> None:
    """Show another workspace: from its first step, with no watches left of the one before."""
    here = session()
    here.workspace, here.look, here.cursor = workspace, look or Look(), cursor
    here.watches = here.breakpoints = ()
