"""A link that opens what is seen, and files that can be taken along."""

from __future__ import annotations

import streamlit as st

from graphflow.view.overview import Overview
from ui.explore.addresses import link
from ui.messages import show_errors
from ui.state import ask, opened, session, text_of


@st.fragment(key="share")
def share(overview: Overview) -> None:
    """What can be taken along, behind a button. It is made when that is pressed: until then the
    cursor may move, and only the panel beside the graph is drawn again.
    """
    behind = st.popover("Share", icon=":material/share:", on_change="rerun", key="share")
    if behind.open:
        with behind, show_errors():
            sharing(overview)


def sharing(overview: Overview) -> None:
    """The address of this view; the file; the walk as a page that needs no server."""
    st.markdown("**This view as a link**: the graph, edits, seed, cursor, open groups, watches")
    with show_errors():
        st.code(link(), language=None, wrap_lines=True)
    name = overview.name.replace(" ", "_") or "model"
    st.download_button("The file (YAML)", text_of(opened()), f"{name}.yaml",
                       "application/yaml", key="take_yaml", on_click="ignore")  # fmt: skip
    if st.button("Make one page of the walk (HTML)", key="make_replay",
                 help="it steps through this view in any browser, without a server"):  # fmt: skip
        with st.spinner("The walk is written down …"):
            page = ask(bytes, "replay", session().look, session().cursor)
        st.download_button("Save the page", page, f"{name}.html", "text/html", key="take_replay",
                           type="primary", on_click="ignore")  # fmt: skip
    st.caption("The picture alone: the buttons SVG and PNG above the graph.")
