"""Train: start a training, watch it, pause and step it, keep moments of it, resume it.

A training is a process of the studio and what it learns lies in its run's folder: a page can be
closed, or opened by somebody else, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.figures import draw
from graphflow.figures.theme import template
from graphflow.run_entries import settings_of
from graphflow.studio.client import open_studio
from graphflow.studio.curves import gauge_charts, metrics_charts
from graphflow.studio.jobs import Standing
from graphflow.studio.services import Figure, Form, changes
from graphflow.studio.trainer import Order
from graphflow.view.workspace import Workspace
from ui import going, state
from ui.messages import escaped, show, show_errors
from ui.train.controls import SIGNS, TOLD, controls
from ui.train.curves import charts, table

Place = st.delta_generator.DeltaGenerator
EVERY = 0.7
"""Seconds between looks at a training that runs."""
SHOWN = "train_shown"
"""Where a session keeps which run it looks at."""
STARTED = "train_started"
"""Where a session counts what it has started: a button is pressed once."""
COUNTED = ("epochs", "steps", "seed")
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
            _run(run)
    with left:
        with show_errors():
            _ordering()
        _list(found)
        if any(each.job is not None and not each.job.over for each in found):
            st.fragment(_watch, run_every=EVERY)(run, seen)


def _sight(run: Standing | None) -> Sight:
    """What is seen of all trainings now, and of the one that is looked at."""
    here = () if run is None or run.job is None else (run.job.told, run.moments)
    return (*open_studio().jobs.states(), here)


def _watch(run: Standing | None, seen: Sight) -> None:
    """Draw the page anew once what it shows has changed."""
    if _sight(run) != seen:
        st.rerun(scope="app")


# -- what to train ---------------------------------------------------------------------------
def _ordering() -> None:
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
    given = dict(workspace.overrides)
    with st.form("train_form", enter_to_submit=False):
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
        count = st.session_state.setdefault(STARTED, 0)
        if st.form_submit_button(
            "Start", icon=":material/play_arrow:", type="primary", key=f"train_start_{count}"
        ):
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
    ordered = replace(workspace, overrides=tuple(changed.items()))
    order = Order("", ordered, counts["seed"], counts["epochs"], counts["steps"])
    job = open_studio().jobs.start(order, workspace.graph or name)
    st.session_state[SHOWN] = str(job.folder)
    st.session_state[STARTED] += 1
    st.rerun()


# -- the runs there are ----------------------------------------------------------------------
def _list(found: Sequence[Standing]) -> None:
    """All runs, newest first, each a button that shows it."""
    st.subheader("Runs", anchor=False)
    if not found:
        st.caption("None yet.")
    with st.container(height=min(420, 64 * max(1, len(found)) + 20), border=False):
        for each in found:
            path = str(each.entry.path)
            st.button(
                f"{escaped(each.entry.path.name)} · {each.state}", key=f"train_open_{path}",
                icon=SIGNS.get(each.state), width="stretch", on_click=_show, args=(path,),
                type="primary" if path == st.session_state.get(SHOWN) else "secondary",
            )  # fmt: skip


def _show(path: str) -> None:
    st.session_state[SHOWN] = path


# -- one run ---------------------------------------------------------------------------------
def _run(run: Standing) -> None:
    """A run: its numbers and curves, looked at again and again while it trains."""
    st.subheader(escaped(run.entry.path.name), anchor=False)
    st.markdown(f"{SIGNS.get(run.state, '')} **{run.state}**: {TOLD.get(run.state, '')}")
    alive = run.job is not None and not run.job.over
    st.fragment(controls)(run)
    if run.job is not None and run.job.report.diagnostics:
        show(GraphflowError(*run.job.report.diagnostics))
    _moments(run)
    st.fragment(_live, run_every=EVERY if alive else None)(run)
    with show_errors():
        _figures(run)
    with st.expander("Settings"):
        rows = [{"setting": n, "value": v} for n, v in settings_of(run.entry.about).items()]
        st.dataframe(rows, hide_index=True)


def _live(run: Standing) -> None:
    """Numbers and curves so far; nothing in here is clicked but what opens the table."""
    with show_errors():
        _numbers(run)
        for kind, found in (
            ("metrics", metrics_charts(run.entry.path)), ("gauges", gauge_charts(run.entry.path))
        ):  # fmt: skip
            charts(kind, found)
            below = st.expander(
                f"The last values of these {kind}, as a table", key=f"train_{kind}_table",
                on_change="rerun",
            )  # fmt: skip
            if below.open:
                with below:
                    table(found)
    st.caption("Drag moves a chart, Shift and the wheel zoom it, a double click shows all of it.")


def _numbers(run: Standing) -> None:
    """How far it is."""
    report = run.job.report if run.job is not None else None
    step, epoch = (report.step, report.epoch) if report else (run.entry.steps, run.entry.epochs)
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
    path = str(run.entry.path)
    found = state.answer(
        ("figures", path, run.entry.steps),
        lambda: state.client().call("figures", path),
        alone=True,
    )
    figures = cast("tuple[Figure, ...]", found)
    if not figures:
        st.caption("The file declares no figures: a section figures: does.")
    dark = st.context.theme.type == "dark"
    for figure in figures:
        with show_errors():
            if figure.description is None:
                raise GraphflowError(*figure.diagnostics)
            drawn = draw(figure.description)
            drawn.update_layout(
                template=template("dark" if dark else "light"), uirevision=figure.name,
                paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
            )  # fmt: skip
            st.plotly_chart(drawn, key=f"train_figure_{figure.name}", theme=None,
                            config={"displaylogo": False}, alt=figure.name)  # fmt: skip
