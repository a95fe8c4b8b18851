"""What can be done with a run as it stands."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.studio.client import open_studio
from graphflow.studio.jobs import OVER, Job, Standing
from graphflow.studio.trainer import GUARD, PACES, Command, State
from ui.messages import show

Place = st.delta_generator.DeltaGenerator
RESUMED = "train_resumed"
"""Where a session counts how often it has resumed a run: a button is pressed once."""
REFUSED = "train_resume_refused"
"""Where a session keeps which run could not be resumed, and why."""
RESUME, FAR = "train_resume_", ("epochs", "updates")
"""Keys of the fields that say how far to go on."""
ABOUT_GUARD = (
    "every value of every step is looked at: it takes longer, and the first one that is not finite "
    "is told with its node"
)
SETTLE = 0.4
"""Seconds that a click waits for what it does."""
DOES: dict[Command, State] = {"pause": "paused", "go": "running"}
"""The states that commands lead to."""
COMMANDS: dict[Command, tuple[str, str, str | None]] = {
    "pause": ("Pause", ":material/pause:", "after the update under way"),
    "go": ("Go on", ":material/play_arrow:", None),
    "step": ("One step", ":material/skip_next:", "and then it is paused"),
    "snapshot": ("Snapshot", ":material/photo_camera:", "keep this moment: it opens in Explore"),
    "stop": ("Stop", ":material/stop:", "it can be resumed"),
}
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
    "killed": "its process was ended; what its last checkpoint holds is kept",
    "unfinished": "its process ended without a last word",
    "damaged": "its folder cannot be read",
}
BUSY = {
    "starting": "it is about to begin",
    "stopping": "it is about to end",
}


def controls(run: Standing) -> None:
    """Where a run stands, and the buttons of its training, or how to go on where it has ended."""
    if open_studio().jobs.job(run.entry.path) is not run.job:  # it was resumed just now
        st.rerun(scope="app")
    st.markdown(standing(run, run.job is not None and not run.job.over))
    if run.job is not None and not run.job.over:
        _buttons(run.job)
    elif run.state == "running":
        st.info("It is trained outside this studio, by `graphflow run`: it is looked at only.")
        st.button("Look again", icon=":material/refresh:")
    elif run.entry.about:
        _resume(run)
    else:
        st.info("There is no checkpoint to go on from: start it anew.")


def standing(run: Standing, alive: bool) -> str:
    """Where it stands, in words; of what has ended also how far it came and what is kept of it."""
    words = f"{SIGNS.get(run.state, '')} **{run.state}**: {TOLD.get(run.state, '')}"
    if alive or run.state in ("complete", "running", "damaged"):
        return words
    made = run.job.report.step if run.job is not None else run.entry.steps
    kept = "there is no checkpoint" if run.last is None else (
        f"its last checkpoint is of update **{run.last:,}**"
    )  # fmt: skip
    return f"{words}. It made {made:,} updates; {kept}."


def _buttons(job: Job) -> None:
    """Commands to a training. They stand in a fragment that no timer draws anew, so that no look
    at the training delays a click. Each has a place of its own: the second one of a double click
    never meets another command.
    """
    cells = st.columns(6)
    paused = job.report.state == "paused"
    standing, moving = "it stands still already", "it is under way"
    _command(cells[0], job, "pause", standing if paused else None)
    _command(cells[1], job, "go", None if paused else moving)
    _command(cells[2], job, "step")
    _command(cells[3], job, "snapshot")
    _command(cells[4], job, "stop")
    _pace(job)
    cells[5].button(
        "Kill", icon=":material/bolt:", on_click=job.kill, key="train_kill", width="stretch",
        help="end it at once; its last checkpoint stays",
    )  # fmt: skip


def _pace(job: Job) -> None:
    """How quickly updates follow each other, at once."""
    key = f"train_pace_{job.folder.name}"
    st.radio(
        "How fast", list(PACES), list(PACES).index(job.pace), key=key, horizontal=True,
        label_visibility="collapsed", on_change=lambda: job.set_pace(st.session_state[key]),
    )  # fmt: skip


def _command(place: Place, job: Job, command: Command, idle: str | None = None) -> None:
    """A button, which says why it can not be pressed. Where its click is delivered again, the
    command knows of fewer commands than the job was told, and is no second one.
    """
    label, icon, about = COMMANDS[command]
    idle = BUSY.get(job.report.state) or idle
    key, known = f"train_{command}", f"train_{command}_known"
    if not st.session_state.get(key):
        st.session_state[known] = job.told
    place.button(
        label, icon=icon, key=key, on_click=_tell,
        args=(job, command, st.session_state[known]),
        width="stretch", disabled=idle is not None, help=idle or about,
    )  # fmt: skip


def _tell(job: Job, command: Command, known: int) -> None:
    """Give a command; what it does is there when the buttons are drawn again, mostly."""
    job.tell(command, known)
    until = time.monotonic() + SETTLE
    while job.report.state not in (DOES.get(command, job.report.state), *OVER):
        if time.monotonic() > until:
            return
        time.sleep(0.01)


def _resume(run: Standing) -> None:
    """The button that goes on, and how far."""
    cells = st.columns([2, 2, 2, 3], vertical_alignment="bottom")
    for cell, name in zip(cells[1:], FAR, strict=False):
        cell.number_input(f"{name}, in all", 0, value=None, step=1, key=f"{RESUME}{name}",
                          placeholder="as before")  # fmt: skip
    cells[3].checkbox(GUARD, key=f"{RESUME}guard", help=ABOUT_GUARD)
    done = run.state == "complete" and not any(map(_far, FAR))
    count = st.session_state.setdefault(RESUMED, 0)
    cells[0].button(
        "Resume", icon=":material/play_arrow:", key=f"train_resume_{count}", width="stretch",
        disabled=done, help="it is complete: say how far it is to go" if done else None,
        type="secondary" if done else "primary", on_click=_go_on, args=(run.entry.path, count),
    )  # fmt: skip
    error = cast("tuple[Path, GraphflowError] | None", st.session_state.get(REFUSED))
    if error is not None and error[0] == run.entry.path:
        show(error[1])


def _far(name: str) -> int | None:
    """How many epochs or updates there are to be in all, where somebody has said so."""
    found = cast("float | None", st.session_state[f"{RESUME}{name}"])
    return None if found is None else int(found)


def _go_on(run: Path, count: int) -> None:
    """Resume a run; a click that is delivered again resumes nothing."""
    if st.session_state[RESUMED] != count:
        return
    st.session_state[RESUMED] = count + 1
    epochs, steps = map(_far, FAR)
    try:
        open_studio().jobs.resume(
            run, epochs=epochs, steps=steps, guard=st.session_state[f"{RESUME}guard"]
        )
    except GraphflowError as error:
        st.session_state[REFUSED] = (run, error)
    else:
        st.session_state[REFUSED] = None
