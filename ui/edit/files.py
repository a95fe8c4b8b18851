"""A text comes in and goes out as a file."""

from __future__ import annotations

import re

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.gallery import template
from graphflow.studio.client import open_studio
from graphflow.view.uploads import uploaded
from graphflow.view.workspace import Workspace
from ui import messages
from ui.edit.desk import Desk
from ui.widgets.uploader import graph_file

UPLOAD = "graphflow_edit_upload"
NEW = {"formulas": "A new file of formulas", "mlp": "A new network that trains"}


def bar(desk: Desk) -> None:
    """Another text, this text as a file, and ways back."""
    with st.popover("Open or begin", icon=":material/upload_file:"):
        for kind, label in NEW.items():
            if st.button(label, icon=":material/add:", width="stretch"):
                desk.put_beside(Workspace(text=template(kind, "mine")))
                st.rerun()
        _upload(desk)
    st.download_button(
        "Download", desk.text.encode(), f"{file_name(desk)}.yaml", "application/yaml",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    canned = desk.origin.graph or "what it was"
    if st.button("Reset", icon=":material/undo:", disabled=not desk.changed,
                 help=f"Back to {canned}; your text can be had back"):  # fmt: skip
        desk.put(desk.origin, desk.base)
        st.rerun()
    if desk.before is not None and st.button("Former text", icon=":material/history:",
                                             help="The text that was here before"):  # fmt: skip
        desk.back()
        st.rerun()


def file_name(desk: Desk) -> str:
    """What the file is called: after the graph, in letters that every system takes."""
    name = re.sub(r"[^\w-]+", "_", desk.origin.graph.removesuffix(".yaml")).strip("_")
    return name or "graph"


def _upload(desk: Desk) -> None:
    """The button names the file: no click can reach one that was sent before it."""
    sent = graph_file("A graph file", UPLOAD)
    if sent is None:
        return
    if not st.button(f"Put {messages.label(sent.name)} into the editor", type="primary"):
        return
    try:
        text = uploaded(sent.getvalue(), sent.name, open_studio().limits.upload_bytes)
    except GraphflowError as error:
        messages.show(error)
        return
    desk.put_beside(Workspace(text=text))
    st.rerun()
