"""The view as an address, and back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.studio.permalink import View, read, written
from ui.state import open_workspace, opened, session

APPLIED = "address"
"""The fields of the address that was opened last."""
NAMED = "address_of"
"""The workspace that Explore's address names."""


def restore() -> bool:
    """Open what the address names, once for each address; whether it named anything.

    Raises GraphflowError where it holds no view.
    """
    fields = st.query_params.to_dict()
    if not fields or st.session_state.get(APPLIED) == fields:
        return False
    st.session_state[APPLIED] = fields
    view = read(fields)
    assert view is not None
    open_workspace(view.workspace, view.look, view.cursor)
    here = session()
    here.watches, here.breakpoints = view.watches, view.breakpoints
    here.stop_above = view.stop_above
    return True


def show(view: View) -> None:
    """Have the address say what is open, as far as it has room for it: a reload opens that."""
    try:
        fields = written(view)
    except GraphflowError:
        fields = {}
    if st.query_params.to_dict() != fields:
        st.query_params.from_dict(fields)
    st.session_state[APPLIED] = fields


def follow() -> None:
    """Have the address name the workspace that is open by now, so that a reload opens it again."""
    if not st.query_params or st.session_state.get(NAMED) != opened():
        st.session_state[NAMED] = opened()
        show(seen())


def seen() -> View:
    """What is seen now."""
    here = session()
    return View(opened(), here.look, here.cursor, here.watches, here.breakpoints, here.stop_above)


def link() -> str:
    """The address of what is seen now. Raises GraphflowError where it is too much for one."""
    parts = urlsplit(st.context.url or "")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(written(seen())), ""))
