"""What to train: the form of the model that is open."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple, cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.studio.client import open_studio
from graphflow.studio.services import Form, changes
from graphflow.studio.trainer import GUARD, PACES, Order
from graphflow.view.workspace import Workspace
from ui import state
from ui.messages import escaped, label, show
from ui.train.controls import ABOUT_GUARD
from ui.train.listing import show_run

STARTED = "train_started"
"""Where a session keeps what it has started: a button is pressed once."""
REFUSED = "train_refused"
"""Where a session keeps why the training that it asked for last was not begun."""
ABOUT_PACE = "can be changed while it trains; no number that it computes depends on it"
TWICE = 1.0
"""Seconds within which a second click on Start is a double click, and no second training."""
COUNTED = ("epochs", "steps", "seed")
SETTING, COUNT, FURTHER, GUARDED = "train_set_", "train_", "train_further", "train_guard"
PACE = "train_pace"
"""Keys of the form's fields."""


class Started(NamedTuple):
    """How many trainings a session has begun, and when the last one (seconds of a clock)."""

    number: int
    at: float


def ordering() -> None:
    """The form of the model that is open."""
    workspace = state.session().workspace
    if workspace is None:
        st.info("Open a graph in the gallery first; runs that were made before are listed below.")
        return
    if workspace.run and not workspace.text:
        st.info("What is open is a run: resume it below, or open a graph to train it anew.")
        return
    form = cast(Form, state.client().call("form", workspace))
    st.subheader(escaped(form.name or "New training"), anchor=False)
    if workspace.run:
        st.caption("It begins with the values of the run that the text was made of.")
    if workspace.edits:
        st.caption("Values that were written over in Explore are not trained.")
    if not form.section:
        st.info("This file has neither a train: nor a run: section: there is nothing to train.")
        return
    _form(workspace, form)
    error = cast("GraphflowError | None", st.session_state.get(REFUSED))
    if error is not None:
        show(error)


def _form(workspace: Workspace, form: Form) -> None:
    """What can be changed before it begins, and the button that begins it."""
    given = dict(workspace.overrides)
    with st.form("train_form", enter_to_submit=False):
        halves = st.columns(2)
        for number, (name, text) in enumerate(form.settings):
            shown = label(name.removeprefix("train.").removeprefix("run."))
            halves[number % 2].text_input(shown, given.get(name, text), key=f"{SETTING}{name}")
        for number, name in enumerate(_counts(form), len(form.settings)):
            halves[number % 2].number_input(
                name, min_value=0, value=None, step=1, key=f"{COUNT}{name}",
                placeholder="drawn" if name == "seed" else "no limit",
            )  # fmt: skip
        st.text_area(
            "Further changes", placeholder="hidden=64\ntrain.optimizer=sgd(lr=0.1)",
            help="one a line, as --set takes them", height=80, key=FURTHER,
        )  # fmt: skip
        st.checkbox(GUARD, key=GUARDED, help=ABOUT_GUARD)
        st.selectbox("how fast", list(PACES), key=PACE, help=ABOUT_PACE)
        count = st.session_state.setdefault(STARTED, Started(0, -TWICE)).number
        st.form_submit_button(
            "Start", icon=":material/play_arrow:", type="primary", key=f"train_start_{count}",
            on_click=_start, args=(workspace, form, count),
        )  # fmt: skip


def _counts(form: Form) -> list[str]:
    """Numbers that may be left out, unless the file says them: then they are its settings."""
    said = {setting.rpartition(".")[2] for setting, _ in form.settings}
    return [name for name in COUNTED if name not in said]


def _start(workspace: Workspace, form: Form, count: int) -> None:
    """Begin a training, and look at it. A click that is delivered again, and the second one of a
    double click, begin nothing.
    """
    before = cast(Started, st.session_state[STARTED])
    if before.number != count or time.monotonic() - before.at < TWICE:
        return
    try:
        job = open_studio().jobs.start(_order(workspace, form), workspace.graph or form.name)
    except GraphflowError as error:
        st.session_state[REFUSED] = error
        return
    st.session_state[REFUSED] = None
    st.session_state[STARTED] = Started(count + 1, time.monotonic())
    show_run(str(job.folder))


def _order(workspace: Workspace, form: Form) -> Order:
    """What the form says. GF025 where a further change is none."""
    entered = st.session_state
    changed = {n: entered[f"{SETTING}{n}"] for n, text in form.settings
               if entered[f"{SETTING}{n}"] != text}  # fmt: skip
    overrides = dict(workspace.overrides) | changed | changes(entered[FURTHER])
    counts = {name: entered[f"{COUNT}{name}"] for name in _counts(form)}
    return Order(
        "", replace(workspace, overrides=tuple(overrides.items())), counts.get("seed"),
        counts.get("epochs"), counts.get("steps"), guard=entered[GUARDED], pace=entered[PACE],
    )  # fmt: skip
