"""What can be done with a run as it stands."""

from __future__ import annotations

import streamlit as st

from graphflow.studio.client import open_studio
from graphflow.studio.jobs import Job, Standing
from graphflow.studio.trainer import Command
from ui.messages import show_errors

Place = st.delta_generator.DeltaGenerator
RESUMED = "train_resumed"
"""Where a session counts how often it has resumed a run: a button is pressed once."""
SIGNS = {
    "starting": ":material/hourglass_empty:", "running": ":material/play_arrow:",
    "paused": ":material/pause:", "stopping": ":material/hourglass_empty:",
    "stopped": ":material/stop:", "complete": ":material/check_circle:",
    "failed": ":material/error:", "killed": ":material/bolt:",
    "unfinished": ":material/bolt:", "damaged": ":material/broken_image:",
}  # fmt: skip
TOLD = {
    "starting": "the file is read and compiled",
    "running": "updates are made",
    "paused": "it stands still; all is in its last checkpoint",
    "stopping": "the update under way is finished and kept",
    "stopped": "it was ended before its time; it can be resumed",
    "complete": "it made all the updates that it was to make",
    "failed": "it could not go on",
    "killed": "its process was ended; what its last checkpoint holds is there",
    "unfinished": "its process ended without a last word; its last checkpoint is there",
    "damaged": "its folder cannot be read",
}
BUSY = {
    "starting": "it is about to begin",
    "stopping": "it is about to end",
}


def controls(run: Standing) -> None:
    """The buttons of a training, or how to go on with a run that has ended."""
    if run.job is not None and not run.job.over:
        _buttons(run.job)
    elif run.state == "running":
        st.info("It is trained outside this studio, by `graphflow run`: it is looked at only.")
        st.button("Look again", icon=":material/refresh:")
    elif run.entry.about:
        _resume(run)
    else:
        st.info("There is no checkpoint to go on from: start it anew.")


def _buttons(job: Job) -> None:
    """Commands to a training. They stand in a fragment that no timer draws anew, so that no look
    at the training delays a click.
    """
    cells = st.columns(5)
    running = job.report.state != "paused"
    _command(cells[0], job, "pause" if running else "go", "Pause" if running else "Go on",
             ":material/pause:" if running else ":material/play_arrow:")  # fmt: skip
    _command(cells[1], job, "step", "One step", ":material/skip_next:", "and then it is paused")
    _command(cells[2], job, "snapshot", "Snapshot", ":material/photo_camera:",
             "keep this moment: it opens in Explore")  # fmt: skip
    _command(cells[3], job, "stop", "Stop", ":material/stop:", "it can be resumed")
    cells[4].button(
        "Kill", icon=":material/bolt:", on_click=job.kill, key="train_kill", width="stretch",
        help="end it at once; its last checkpoint stays",
    )  # fmt: skip


def _command(
    place: Place, job: Job, command: Command, label: str, icon: str, about: str | None = None
) -> None:
    """A button. Where its click is delivered again, the command knows of fewer commands than the
    job was told, and is no second one.
    """
    busy = BUSY.get(job.report.state)
    key, known = f"train_{command}", f"train_{command}_known"
    if not st.session_state.get(key):
        st.session_state[known] = job.told
    place.button(
        label, icon=icon, key=key, on_click=job.tell, args=(command, st.session_state[known]),
        width="stretch", disabled=busy is not None, help=busy or about,
    )  # fmt: skip


def _resume(run: Standing) -> None:
    """How far to go on, and the button that does."""
    cells = st.columns([2, 2, 2], vertical_alignment="bottom")
    wanted = [
        cell.number_input(f"{name}, in all", 0, value=None, step=1, key=f"train_resume_{name}")
        for cell, name in zip(cells, ("epochs", "updates"), strict=False)
    ]
    epochs, steps = (None if number is None else int(number) for number in wanted)
    done = run.state == "complete" and epochs is None and steps is None
    count = st.session_state.setdefault(RESUMED, 0)
    if cells[2].button(
        "Resume", icon=":material/play_arrow:", key=f"train_resume_{count}", width="stretch",
        disabled=done, help="it is complete: say how far it is to go" if done else None,
    ):  # fmt: skip
        with show_errors():
            open_studio().jobs.resume(run.entry.path, epochs=epochs, steps=steps)
            st.session_state[RESUMED] = count + 1
            st.rerun(scope="app")
