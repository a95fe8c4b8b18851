"""Other ways to open a model: a file, an upload, a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.studio.client import open_studio
from graphflow.view.uploads import uploaded
from graphflow.view.workspace import Workspace
from ui import messages
from ui.going import go
from ui.messages import escaped
from ui.state import client, open_workspace
from ui.widgets.uploader import graph_file

if TYPE_CHECKING:
    from graphflow.run_entries import Entry

RUNS_SHOWN = 20


def others() -> None:
    """A file and a run, each behind a button."""
    with st.popover("Open a file", icon=":material/folder_open:"):
        _file()
    runs = st.popover("Continue with a run", icon=":material/history:", on_change="rerun",
                      key="runs")  # fmt: skip
    if runs.open:
        with runs:
            _run()


def _file() -> None:
    limits = open_studio().limits
    with st.form("path", border=False):
        folders = ", ".join(escaped(folder) for folder in limits.folders)
        path = st.text_input("Path of a graph file", placeholder="models/mine.yaml")
        st.caption(f"Files are read in {folders}.")
        if st.form_submit_button("Open") and path:
            _open_checked(Workspace(graph=path))
    sent = graph_file("Or send one", "gallery_upload")
    if sent is not None and st.button(f"Open {messages.label(sent.name)}", type="primary"):
        try:
            text = uploaded(sent.getvalue(), sent.name, limits.upload_bytes)
        except GraphflowError as error:
            messages.show(error)
        else:
            _open_checked(Workspace(text=text))


def _open_checked(workspace: Workspace) -> None:
    """Open it in Explore; with errors in it, in Edit, where they can be mended."""
    try:
        good = client().call("is_good", workspace)
    except GraphflowError as error:
        messages.show(error)
        return
    open_workspace(workspace)
    go("explore" if good else "edit")


def _run() -> None:
    try:
        found = cast("list[Entry]", client().call("runs", open_studio().limits.runs))
    except GraphflowError as error:
        messages.show(error)
        return
    if not found:
        st.caption("No run yet: what is trained here or by `graphflow run` is listed.")
    for entry in found[:RUNS_SHOWN]:
        told = f"{entry.path.name}, {entry.state}, epoch {entry.epochs}, step {entry.steps}"
        if st.button(escaped(told), key=f"run-{entry.path}", width="stretch"):
            _explore(Workspace(run=str(entry.path)))


def _explore(workspace: Workspace) -> NoReturn:
    open_workspace(workspace)
    go("explore")
