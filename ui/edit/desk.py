"""What lies on a visitor's desk: a text under way, and what it was made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.view.editing import Sketch, TextChanges
from graphflow.view.workspace import Look, Workspace
from ui.state import call, session, text_of
from ui.widgets.editor import Buffer

KEY = "graphflow_desk"
FIRST = Workspace(graph="xyz")
"""What is edited by a visitor who has opened nothing."""


@dataclass
class Desk:
    """``base`` is the text that ``origin`` shows; ``before`` the text that was on the desk before
    another one was put there; ``applied`` what Explore was last given, ``drawn`` the last sketch
    that could be drawn; ``beside`` what Explore showed when a file was put here that it knows not.
    """

    origin: Workspace
    base: str
    buffer: Buffer = field(default_factory=Buffer)
    look: Look = field(default_factory=lambda: Look(values=False))
    before: tuple[Workspace, str] | None = None
    applied: Workspace | None = None
    drawn: Sketch | None = None
    beside: Workspace | None = None

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self.buffer.text

    @property
    def draft(self) -> str:
        """What the browser keeps the text under that is made of this one."""
        return sha256(self.base.encode()).hexdigest()[:16]

    @property
    def changed(self) -> bool:
        """Whether it is another one than it was made of."""
        return self.text != self.base

    @property
    def values(self) -> Workspace:
        """What has the values that may be kept: what Explore shows, where that was applied here."""
        shown = session().workspace
        if shown is not None and self.applied is not None and shown.text == self.applied.text:
            return shown
        return self.origin

    def put(self, origin: Workspace, base: str, text: str | None = None) -> None:
        """Put another text on the desk; the one that was there can be had back."""
        self.before = (self.origin, self.text) if self.changed else self.before
        self.origin, self.base, self.look, self.drawn = origin, base, Look(values=False), None
        self.beside = None
        self.buffer.replace(base if text is None else text)

    def put_beside(self, origin: Workspace) -> None:
        """Put a file on the desk that stays there, whatever Explore shows now."""
        self.put(origin, text_of(origin))
        self.beside = session().workspace or FIRST

    def back(self) -> None:
        """Have the text back that was here before."""
        assert self.before is not None
        origin, text = self.before
        self.before = None
        self.put(origin, text_of(origin), text)


def desk() -> Desk:
    """The desk of this visitor, with what Explore shows on it; a text that was changed stays."""
    workspace = session().workspace or FIRST
    if KEY not in st.session_state:
        made = Desk(workspace, text_of(workspace))
        made.buffer.replace(made.base)
        st.session_state[KEY] = made
    found = cast(Desk, st.session_state[KEY])
    if not found.changed and workspace != found.beside and not _same(found, workspace):
        found.put(workspace, text_of(workspace))
    return found


def waiting() -> Workspace | None:
    """What Explore shows, where the desk holds changes of something else."""
    found, workspace = cast(Desk, st.session_state[KEY]), session().workspace
    if workspace is None or _same(found, workspace):
        return None
    return workspace


def _same(found: Desk, workspace: Workspace) -> bool:
    """Whether the desk holds what a workspace shows; values do not count."""
    if found.applied is not None and workspace.text == found.applied.text != "":
        return True
    shown = found.origin
    key = replace(workspace, edits=()).graph, workspace.text, workspace.run
    return key == (shown.graph, shown.text, shown.run)


def sketch(found: Desk) -> Sketch | GraphflowError:
    """What the worker makes of the text; the error where it could not be asked."""
    try:
        made = cast(Sketch, call("sketched", found.text, found.origin, found.values, found.look))
    except GraphflowError as error:
        return error
    found.drawn = found.drawn if made.drawing is None else made
    return made


def text_changes(found: Desk) -> TextChanges:
    """What differs from the text that the desk's was made of, told by the worker."""
    return cast(TextChanges, call("text_changes", found.base, found.text))
