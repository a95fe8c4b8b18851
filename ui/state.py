"""What one visitor has open: a workspace, how it is looked at, and where the cursor stands.

All of it is small and frozen; the model itself lives in a worker process and is made again from the
workspace whenever it is needed, so nothing here can be lost with it. Answers that were given are
kept for a while, so that going back asks nothing.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.studio.client import Client, open_studio
from graphflow.view.overview import Overview
from graphflow.view.workspace import Look, OverlayKind, Workspace

KEY = "graphflow_session"
START = -1
"""The cursor before the first step."""
REFUSED = "graphflow_refused"
"""Where a change was asked for that could not be, and why."""
KEPT = 200
"""Answers that are kept for a visitor."""

T = TypeVar("T")


@dataclass
class Session:
    """One visitor. ``cursor`` is the index of the step that is shown, -1 before the first; ``move``
    counts how often a page, not the graph, has moved it; ``turn`` counts what the graph was sent.
    Playing stops at ``breakpoints`` and where the norm of a gradient is above ``stop_above``.
    """

    workspace: Workspace | None = None
    look: Look = field(default_factory=Look)
    overlay: OverlayKind = "none"
    cursor: int = START
    move: int = 0
    turn: int = 0
    selected: str = ""
    watches: tuple[str, ...] = ()
    breakpoints: tuple[str, ...] = ()
    stop_above: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    answers: OrderedDict[tuple[Hashable, ...], object] = field(default_factory=OrderedDict)


def session() -> Session:
    """The session of whoever looks at this page."""
    if KEY not in st.session_state:
        st.session_state[KEY] = Session()
    return cast(Session, st.session_state[KEY])


def client() -> Client:
    """Who answers this visitor's questions."""
    return open_studio().client(session().id)


def open_workspace(workspace: Workspace, look: Look | None = None, cursor: int = START) -> None:
    """Show another workspace: from its first step, with no watches left of the one before."""
    here = session()
    here.workspace, here.look, here.cursor = workspace, look or Look(), cursor
    here.watches, here.breakpoints, here.stop_above = (), (), None
    here.selected, here.overlay = "", "none"


def move_to(cursor: int) -> None:
    """Put the cursor at a step, in the graph too."""
    here = session()
    here.cursor, here.move = cursor, here.move + 1


def try_change(workspace: Workspace, where: str) -> bool:
    """Show the same model otherwise, the cursor where it was. Where that cannot be studied, all
    stays as it was, and what is wrong waits for :func:`refusal` to be told ``where`` it was asked
    for. Whether it was done.
    """
    before = opened()
    session().workspace = workspace
    st.session_state.pop(REFUSED, None)
    try:
        ask(Overview, "overview")
    except GraphflowError as error:
        session().workspace = before
        st.session_state[REFUSED] = (where, error)
        return False
    return True


def refusal(where: str) -> GraphflowError | None:
    """Why the last change that was asked for here was not made; told once."""
    found = cast("tuple[str, GraphflowError] | None", st.session_state.get(REFUSED))
    if found is None or found[0] != where:
        return None
    del st.session_state[REFUSED]
    return found[1]


def opened() -> Workspace:
    """The workspace that is open; pages that need one look first whether there is one."""
    workspace = session().workspace
    assert workspace is not None
    return workspace


def ask(kind: type[T], method: str, *arguments: object) -> T:
    """What a study of the open workspace answers, which is of this kind.

    Raises GraphflowError where the workspace cannot be studied, or takes more than it may.
    """
    workspace = opened()
    question = (method, workspace, repr(arguments))
    found = answer(question, lambda: client().ask(workspace, method, *arguments))
    assert isinstance(found, kind), f"{method} gave {type(found).__name__}"
    return found


def text_of(workspace: Workspace) -> str:
    """A workspace's file, read by the worker, which may read less than we may."""
    return workspace.text or cast(str, call("text_of", workspace))


def call(service: str, *arguments: object) -> object:
    """What a service of the worker answers, which does so alike whenever it is asked."""
    question = (service, repr(arguments))
    return answer(question, lambda: client().call(service, *arguments))


def answer(
    question: tuple[Hashable, ...], ask_for_it: Callable[[], object], alone: bool = False
) -> object:
    """The answer to a question; the latest ones are not asked for again, errors always are. One
    that is large stands ``alone`` among those to questions that begin like it.
    """
    answers = session().answers
    if question not in answers:
        answers[question] = ask_for_it()
    if alone:
        for other in [q for q in answers if q[0] == question[0] and q != question]:
            del answers[other]
    answers.move_to_end(question)
    while len(answers) > KEPT:
        answers.popitem(last=False)
    return answers[question]
