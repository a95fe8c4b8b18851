"""Edit: the file on the left; on the right its problems, its graph and what it changes."""

from __future__ import annotations

from functools import partial

import streamlit as st

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.studio.permalink import View
from graphflow.view.editing import Carried, Sketch, with_text, words
from graphflow.view.workspace import Workspace
from ui import messages
from ui.edit import difference, files, picture
from ui.edit.desk import Desk, desk, sketch, text_changes, waiting
from ui.edit.problems import problems
from ui.explore import addresses
from ui.going import go
from ui.messages import escaped
from ui.state import open_workspace, session, text_of
from ui.widgets.editor import editor

EDITOR = "graphflow_editor"
TABS = "graphflow_edit_tabs"


def page() -> None:
    """The page; whoever types has only it drawn again, not the frame about it."""
    try:
        found = desk()
    except GraphflowError as error:
        messages.show(error)
        return
    addresses.show(View(found.origin))
    st.fragment(_body)(found)


def _body(found: Desk) -> None:
    made = sketch(found)
    _head(found, made)
    left, right = st.columns([1, 1], gap="medium")
    with left:
        marked = _marked(found, made)
        editor(found.buffer, _findings(made), key=EDITOR, label=f"YAML of {found.origin.title}",
               words=words(), marked=marked, on_line=partial(_pick, made),
               draft=found.draft)  # fmt: skip
    with right:
        if isinstance(made, GraphflowError):
            messages.show(made)
        else:
            _told(found, made)
    if found.buffer.applied:
        found.buffer.applied = False
        _apply(found, made)


def _head(found: Desk, made: Sketch | GraphflowError) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        state = "changed" if found.changed else "as it was"
        st.markdown(f"### Edit {escaped(found.origin.title)} :gray-badge[{state}]")
        good = isinstance(made, Sketch) and not made.problems
        if st.button("Apply: open in Explore", type="primary", icon=":material/play_arrow:",
                     disabled=not good, help="Ctrl-Enter or Ctrl-S in the editor"):  # fmt: skip
            _apply(found, made)
        files.bar(found)
    _other(found)


def _other(found: Desk) -> None:
    """Explore shows something else than what was changed here: the visitor decides."""
    shown = waiting()
    if shown is None:
        return
    name, mine = escaped(shown.title), escaped(found.origin.title)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.info(f"Explore shows {name}; your changes of {mine} are kept.")
        if st.button(f"Edit {name}"):
            found.put(shown, text_of(shown))
            st.rerun()


def _findings(made: Sketch | GraphflowError) -> tuple[Diagnostic, ...]:
    if isinstance(made, GraphflowError):
        return ()
    return tuple(problem.finding for problem in made.problems)


def _marked(found: Desk, made: Sketch | GraphflowError) -> list[int]:
    """The lines of the node that is picked in the graph."""
    if isinstance(made, GraphflowError):
        return []
    first, last = made.lines.get(picture.entry(made, session().selected), (1, 0))
    return list(range(first, last + 1))


def _pick(made: Sketch | GraphflowError, line: int) -> None:
    """Select the node that a line writes, in the graph too."""
    if isinstance(made, Sketch):
        session().selected = picture.box_at(made, line)


def _told(found: Desk, made: Sketch) -> None:
    problems(made.problems, found.buffer)
    graph, changes, values = st.tabs(["Graph", "Changes", "Values"], key=TABS, on_change="rerun")
    with graph:
        picture.picture(found, made)
    if changes.open:
        with changes:
            _changes(found, made)
    with values:
        st.caption("What Apply keeps of the values that were written over or trained")
        difference.values(made.carried)


def _changes(found: Desk, made: Sketch) -> None:
    """What the text changes, by lines and by nodes."""
    st.markdown(f"Against {escaped(found.origin.title)}")
    with messages.show_errors():
        difference.lines(text_changes(found))
    difference.nodes(made.changes, whole=not made.problems)


def _apply(found: Desk, made: Sketch | GraphflowError) -> None:
    """Open the text in Explore; one with problems stays here."""
    if isinstance(made, GraphflowError) or made.problems:
        st.toast("Not applied: mend the problems first.", icon=":material/error:")
        return
    workspace = _applied(found, made)
    found.applied = workspace
    open_workspace(workspace)
    st.toast(
        difference.summary(made.carried or Carried()), icon=":material/check:", duration="long"
    )
    go("explore")


def _applied(found: Desk, made: Sketch) -> Workspace:
    """What Explore is to show; what it shows already where nothing has changed."""
    shown = session().workspace
    if shown is not None and found.text == (shown.text or found.base):
        return shown
    kept = made.carried.kept if made.carried is not None else ()
    return with_text(found.values, found.text, kept)
