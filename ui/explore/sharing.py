"""A link that opens what is seen, and files that can be taken along."""

from __future__ import annotations

import streamlit as st

from graphflow.view.overview import Overview
from ui.explore.addresses import link
from ui.messages import show_errors
from ui.state import ask, opened, session, text_of


def sharing(overview: Overview) -> None:
    """The address of this view; the file; the walk as a page that needs no server."""
    st.markdown("**This view as a link**: the graph, edits, seed, cursor, open groups, watches")
    with show_errors():
        st.code(link(), language=None, wrap_lines=True)
    name = overview.name.replace(" ", "_") or "model"
    look = session().look
    st.download_button("The file (YAML)", lambda: text_of(opened()), f"{name}.yaml",
                       "application/yaml", key="take_yaml", on_click="ignore")  # fmt: skip
    st.download_button("The walk as one page (HTML)", lambda: ask(bytes, "replay", look),
                       f"{name}.html", "text/html", key="take_replay", on_click="ignore",
                       help="steps through this view in any browser, without a server")  # fmt: skip
    st.caption("The picture alone: the buttons SVG and PNG above the graph.")
