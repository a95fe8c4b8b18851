"""One run: where it stands, its numbers, its curves, its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.run_entries import settings_of
from graphflow.studio.curves import gauge_charts, last_row, metrics_charts
from graphflow.studio.jobs import Standing
from graphflow.view.workspace import Workspace
from ui import going, state
from ui.messages import escaped, show, show_errors
from ui.train.controls import controls
from ui.train.curves import charts, table
from ui.train.figures import figures

EVERY = 0.7
"""Seconds between looks at a training that runs."""


def look_at(run: Standing) -> None:
    """A run: its numbers and curves, looked at again and again while it trains."""
    st.subheader(escaped(run.entry.path.name), anchor=False)
    alive = run.job is not None and not run.job.over
    st.fragment(controls)(run)
    if run.job is not None and run.job.report.diagnostics:
        show(GraphflowError(*run.job.report.diagnostics))
    _moments(run, alive)
    st.fragment(_live, run_every=EVERY if alive else None)(run)
    with show_errors():
        figures(run)
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
    """How far it is, the metrics of its last epoch, and in small those of the last update."""
    report = run.job.report if run.job is not None else None
    step, epoch = (report.step, report.epoch) if report else (run.entry.steps, run.entry.epochs)
    last = dict(report.values) if report else {}
    row = last_row(run.entry.path)
    found, about = run.entry.metrics, ""
    if row is not None and (row.epoch or not last):
        found, about = row.metrics, _about(row.epoch, row.step, last)
    elif last:
        found, about = last, "These are of the last update, of one batch."
    columns = st.columns(min(6, 2 + len(found)))
    total = report.steps if report else None
    columns[0].metric("updates", f"{step:,}" + (f" of {total:,}" if total else ""))
    total = report.epochs if report else None
    columns[1].metric("epochs", f"{epoch:,}" + (f" of {total:,}" if total else ""))
    for column, (name, value) in zip(columns[2:], found.items(), strict=False):
        column.metric(escaped(name), f"{value:.4g}")
    for note in (about, report.note if report else ""):
        if note:
            st.caption(escaped(note))


def _about(epoch: int, step: int, last: Mapping[str, float]) -> str:
    """What metrics are of, and what the last update said."""
    of = f"epoch {epoch:,}, the last that was finished" if epoch else f"update {step:,}"
    told = ", ".join(f"{name} {value:.4g}" for name, value in last.items())
    return f"These are of {of}." + (f" The last update, of one batch: {told}." if told else "")


def _moments(run: Standing, alive: bool) -> None:
    """Its checkpoints: each opens in Explore."""
    moments = run.moments
    if not moments:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Look inside, in Explore:", width="content")
        for name in moments:
            label = f"update {int(name[9:]):,}" if name != "latest" else "last checkpoint"
            if name == "latest" and not alive:
                label = f"last checkpoint, update {run.last:,}"
            if st.button(label, key=f"train_moment_{name}", icon=":material/account_tree:"):
                state.open_workspace(Workspace(run=str(run.entry.path), checkpoint=name))
                going.go("explore")
