"""Train: start a training, watch it, pause and step it, keep moments of it, resume it.

A training is a process of the studio and what it learns lies in its run's folder: a page can be
closed, or opened by somebody else, and nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast

import plotly.graph_objects as go
import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.figures import Chart, draw
from graphflow.figures.theme import template
from graphflow.run_entries import settings_of
from graphflow.studio.client import open_studio
from graphflow.studio.curves import gauge_charts, metrics_charts
from graphflow.studio.jobs import Job, Standing
from graphflow.studio.services import Figure, Form, changes
from graphflow.studio.trainer import Command, Order
from graphflow.view.workspace import Workspace
from ui import going, state
from ui.messages import escaped, show, show_errors

Place = st.delta_generator.DeltaGenerator
EVERY = 0.5
"""Seconds between looks at a training that runs."""
REDRAWN = 2.0
"""Seconds between drawings of its curves, which cost a browser much more."""
LISTED = 3.0
"""Seconds between looks at the list of runs while one of them trains."""
WATCHED = "train_watched"
"""Where a session keeps which training it saw running."""
SHOWN = "train_shown"
"""Where a session keeps which run it looks at."""
BEGUN = "train_begun"
"""Where a session keeps what it started last, and when."""
TWICE = 2.0
"""Seconds in which the same order is the same click."""
DRAWN = "train_drawn"
"""Where a session keeps the figures of the run that it looks at."""
SIGNS = {
    "starting": ":material/hourglass_empty:", "running": ":material/play_arrow:",
    "paused": ":material/pause:", "stopping": ":material/hourglass_empty:",
    "stopped": ":material/stop:", "complete": ":material/check_circle:",
    "failed": ":material/error:", "killed": ":material/bolt:",
    "unfinished": ":material/bolt:", "damaged": ":material/broken_image:",
}  # fmt: skip
RESUMABLE = ("stopped", "killed", "unfinished", "complete", "failed")
COUNTED = ("epochs", "steps", "seed")


def page() -> None:
    """The whole page: what to train and the runs there are at the left, one run at the right."""
    st.header("Train", anchor=False)
    left, right = st.columns([3, 7], gap="large")
    with left:
        with show_errors():
            _ordering()
        with show_errors():
            alive = any(j.job is not None and not j.job.over for j in open_studio().jobs.runs())
            st.fragment(_list, run_every=LISTED if alive else None)()
    with right, show_errors():
        run = _shown()
        if run is None:
            st.info("Start a training, or choose a run: its curves appear here, while it trains.")
        else:
            _run(run)


def _shown() -> Standing | None:
    """The run that is looked at."""
    chosen = st.session_state.get(SHOWN)
    found = [each for each in open_studio().jobs.runs() if str(each.entry.path) == chosen]
    return found[0] if found else None


# -- what to train ---------------------------------------------------------------------------
def _ordering() -> None:
    """The form of the model that is open."""
    workspace = state.session().workspace
    if workspace is None:
        st.info("Open a graph in the gallery first; runs that were made before are listed below.")
        return
    if workspace.run:
        st.info("What is open is a run: resume it below, or open a graph to train it anew.")
        return
    form = cast(Form, state.client().call("form", workspace))
    st.subheader(escaped(form.name or "New training"), anchor=False)
    if not form.section:
        st.info("This file has neither a train: nor a run: section: there is nothing to train.")
        return
    given = dict(workspace.overrides)
    with st.form("train_form"):
        halves = st.columns(2)
        written = {
            name: _field(halves[number % 2], name, given.get(name, text))
            for number, (name, text) in enumerate(form.settings)
        }
        places = {name: halves[(len(written) + n) % 2] for n, name in enumerate(COUNTED)}
        counts = {name: _count(places[name], name, form) for name in COUNTED}
        more = st.text_area(
            "Further changes", placeholder="hidden=64\ntrain.optimizer=sgd(lr=0.1)",
            help="one a line, as --set takes them", height=80,
        )  # fmt: skip
        if st.form_submit_button("Start", icon=":material/play_arrow:", type="primary"):
            changed = {n: t for n, t in written.items() if t != dict(form.settings)[n]}
            _start(workspace, form.name, given | changed | changes(more), counts)


def _field(place: Place, name: str, value: str) -> str:
    label = name.removeprefix("train.").removeprefix("run.")
    return place.text_input(escaped(label), value, key=f"train_set_{name}")


def _count(place: Place, name: str, form: Form) -> int | None:
    """A number that may be left out, unless the file says it: then it is among its settings."""
    if any(setting.endswith(f".{name}") for setting, _ in form.settings):
        return None
    found = place.number_input(name, min_value=0, value=None, step=1, key=f"train_{name}")
    return None if found is None else int(found)


def _start(
    workspace: Workspace, name: str, changed: Mapping[str, str], counts: Mapping[str, int | None]
) -> None:
    """Begin a training, and look at it."""
    order = Order(
        "", workspace.graph, workspace.text, tuple(changed.items()), counts["seed"],
        counts["epochs"], counts["steps"],
    )  # fmt: skip
    jobs = open_studio().jobs
    begun, moment = st.session_state.get(BEGUN, (None, 0.0))
    if begun != order or time.monotonic() - moment > TWICE:
        st.session_state[SHOWN] = str(jobs.start(order, workspace.graph or name).folder)
        st.session_state[BEGUN] = (order, time.monotonic())
    st.rerun()


# -- the runs there are ----------------------------------------------------------------------
def _list() -> None:
    """All runs, newest first, each a button that shows it."""
    st.subheader("Runs", anchor=False)
    found = open_studio().jobs.runs()
    if not found:
        st.caption("None yet.")
    with st.container(height=min(420, 64 * max(1, len(found)) + 20), border=False):
        for each in found:
            path = str(each.entry.path)
            if st.button(
                f"{escaped(each.entry.path.name)} · {each.state}", key=f"train_open_{path}",
                icon=SIGNS.get(each.state), width="stretch",
                type="primary" if path == st.session_state.get(SHOWN) else "secondary",
            ):  # fmt: skip
                st.session_state[SHOWN] = path
                st.rerun()


# -- one run ---------------------------------------------------------------------------------
def _run(run: Standing) -> None:
    """A run: looked at again and again while it trains, its figures below."""
    st.subheader(escaped(run.entry.path.name), anchor=False)
    alive = run.job is not None and not run.job.over
    st.fragment(_live, run_every=EVERY if alive else None)(run)
    st.fragment(_curves, run_every=REDRAWN if alive else None)(run)
    with show_errors():
        _figures(run)
    with st.expander("Settings"):
        rows = [{"setting": n, "value": v} for n, v in settings_of(run.entry.about).items()]
        st.dataframe(rows, hide_index=True)


def _live(run: Standing) -> None:
    """Where it stands, what can be done, and what can be looked at."""
    job, path = run.job, str(run.entry.path)
    with show_errors():
        _standing(run)
        _buttons(run)
        if job is not None and job.report.diagnostics:
            show(GraphflowError(*job.report.diagnostics))
        _moments(run)
    if job is not None and not job.over:
        st.session_state[WATCHED] = path
    elif st.session_state.pop(WATCHED, None) == path:
        st.rerun()  # it has just ended: the rest of the page is to know


def _curves(run: Standing) -> None:
    """The curves so far."""
    with show_errors():
        still = run.state == "running"
        _charts("metrics", metrics_charts(run.entry.path), still)
        _charts("gauges", gauge_charts(run.entry.path), still)


def _standing(run: Standing) -> None:
    """State and counts in words."""
    report = run.job.report if run.job is not None else None
    step, epoch = (report.step, report.epoch) if report else (run.entry.steps, run.entry.epochs)
    st.markdown(f"{SIGNS.get(run.state, '')} **{run.state}**")
    values = dict(report.values) if report else {}
    columns = st.columns(min(6, 2 + len(values)))
    total = report.steps if report else None
    columns[0].metric("updates", f"{step:,}" + (f" of {total:,}" if total else ""))
    total = report.epochs if report else None
    columns[1].metric("epochs", f"{epoch:,}" + (f" of {total:,}" if total else ""))
    for column, (name, value) in zip(columns[2:], values.items(), strict=False):
        column.metric(escaped(name), f"{value:.4g}")
    if report and report.note:
        st.caption(escaped(report.note))


def _buttons(run: Standing) -> None:
    """What can be done with it as it stands."""
    job, state_ = run.job, run.state
    cells = st.columns(5)
    if job is not None and not job.over:
        running = state_ == "running"
        _command(cells[0], job, "pause" if running else "go", "Pause" if running else "Go on",
                 ":material/pause:" if running else ":material/play_arrow:")  # fmt: skip
        _command(cells[1], job, "step", "One step", ":material/skip_next:")
        _command(cells[2], job, "snapshot", "Snapshot", ":material/photo_camera:")
        _command(cells[3], job, "stop", "Stop", ":material/stop:")
        cells[4].button(
            "Kill", icon=":material/bolt:", on_click=job.kill, key="train_kill", width="stretch",
            help="end it at once; its last checkpoint stays",
        )  # fmt: skip
    elif state_ in RESUMABLE:
        with st.form("train_resume"):
            further = st.columns([2, 2, 2])
            epochs = further[0].number_input(
                "epochs, in all", 0, value=None, step=1, key="train_resume_epochs"
            )
            steps = further[1].number_input(
                "updates, in all", 0, value=None, step=1, key="train_resume_steps"
            )
            if further[2].form_submit_button("Resume", icon=":material/play_arrow:"):
                jobs = open_studio().jobs
                jobs.resume(run.entry.path, epochs=_whole(epochs), steps=_whole(steps))
                st.rerun()


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _command(place: Place, job: Job, command: Command, label: str, icon: str) -> None:
    busy = job.report.state in ("starting", "stopping")
    key, known = f"train_{command}", f"train_{command}_known"
    if not st.session_state.get(key):  # a click may be delivered again by the next look
        st.session_state[known] = job.told
    place.button(
        label, icon=icon, key=key, on_click=job.tell, args=(command, st.session_state[known]),
        width="stretch", disabled=busy,
    )  # fmt: skip


def _charts(kind: str, charts: Mapping[str, Chart], still: bool) -> None:
    """Charts two in a row, and their last values as a table. Those of a training that runs are
    ``still`` pictures, which a browser draws quickly; once it is paused they can be zoomed.
    """
    cells = st.columns(2) if len(charts) > 1 else [st.container()]
    for number, (name, chart) in enumerate(charts.items()):
        figure = draw(chart)
        figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"})
        with cells[number % len(cells)]:
            _plot(figure, f"train_{kind}_{number}", name, still)
    if charts:
        with st.expander(f"The last values of these {kind}, as a table"):
            rows = [
                {"of": chart.labels.title, "curve": series.name, "value": float(series.y[-1])}
                for chart in charts.values() for series in chart.series if len(series.y)
            ]  # fmt: skip
            st.dataframe(rows, hide_index=True, key=f"train_{kind}_table")


def _plot(figure: go.Figure, key: str, name: str, still: bool = False) -> None:
    """A figure in the colours of the page."""
    dark = st.context.theme.type == "dark"
    figure.update_layout(
        template=template("dark" if dark else "light"), uirevision=name,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    config = {"displaylogo": False, "staticPlot": still}
    st.plotly_chart(figure, key=key, theme=None, config=config, alt=name)


def _moments(run: Standing) -> None:
    """Its checkpoints: each opens in Explore."""
    moments = run.moments
    if not moments:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Look inside, in Explore:", width="content")
        for name in moments:
            label = "last checkpoint" if name == "latest" else f"step {int(name[9:]):,}"
            if st.button(label, key=f"train_moment_{name}", icon=":material/account_tree:"):
                state.open_workspace(Workspace(run=str(run.entry.path), checkpoint=name))
                going.go("explore")


def _figures(run: Standing) -> None:
    """The figures that the file declares, drawn when they are asked for: they take a while."""
    if not st.toggle("The file's figures, at the last checkpoint", key="train_figures"):
        return
    known = cast("dict[object, tuple[Figure, ...]]", st.session_state.setdefault(DRAWN, {}))
    moment = (run.entry.path, run.entry.steps)
    if moment not in known:
        known.clear()
        found = state.client().call("figures", str(run.entry.path))
        known[moment] = cast("tuple[Figure, ...]", found)
    if not known[moment]:
        st.caption("The file declares no figures: a section figures: does.")
    for figure in known[moment]:
        with show_errors():
            if figure.description is None:
                raise GraphflowError(*figure.diagnostics)
            _plot(draw(figure.description), f"train_figure_{figure.name}", figure.name)
