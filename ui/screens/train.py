"""Train: start a training, watch it, pause and step it, keep moments of it, resume it.

A training is a process of the studio and what it learns lies in its run's folder: a page can be
closed, or opened by somebody else, and nothing is lost.
"""

from __future__ import annotations

import streamlit as st

from graphflow.studio.client import open_studio
from graphflow.studio.jobs import Standing
from ui.messages import show_errors
from ui.train.listing import SHOWN, listing
from ui.train.looking import EVERY, look_at
from ui.train.ordering import ordering

IDLE = 3.0
"""Seconds between looks for a training that somebody else has begun."""
Sight = tuple[object, ...]
"""What the page shows of trainings beside numbers: once it is another one, the page is drawn anew.
"""


def page() -> None:
    """The whole page: what to train and the runs there are at the left, one run at the right."""
    st.header("Train", anchor=False)
    left, right = st.columns([3, 7], gap="large")
    found: list[Standing] = []
    with show_errors():
        found = open_studio().jobs.runs()
    run = next((r for r in found if str(r.entry.path) == st.session_state.get(SHOWN)), None)
    seen = _sight(run)
    with right, show_errors():
        if run is None:
            st.info("Start a training, or choose a run: its curves appear here, while it trains.")
        else:
            look_at(run)
    with left:
        with show_errors():
            ordering()
        listing(found)
        alive = any(each.job is not None and not each.job.over for each in found)
        st.fragment(_watch, run_every=EVERY if alive else IDLE)(run, seen)


def _sight(run: Standing | None) -> Sight:
    """What is seen of all trainings now, and of the one that is looked at."""
    here = () if run is None or run.job is None else (run.job.told, run.moments)
    return (*open_studio().jobs.states(), here)


def _watch(run: Standing | None, seen: Sight) -> None:
    """Draw the page anew once what it shows has changed."""
    if _sight(run) != seen:
        st.rerun(scope="app")
