"""Check: is the graph right? Golden values, gradients, determinism, three plans.

Each check is a question of its own to the worker, so that one that takes too long, or fails, takes
nothing from the others. What was answered is kept, and asked again only when the workspace changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.view.details.checks.report import PARTS, CheckReport, Part, Row, Section
from graphflow.view.steps import Step
from graphflow.view.workspace import Workspace
from ui.going import go
from ui.messages import escaped, show, show_errors
from ui.state import START, ask, move_to, session

KEY = "graphflow_checks"
TITLES: dict[Part, tuple[str, str]] = {
    "golden": (
        "Golden values",
        "The file's own `check:` entries: numbers from an independent source, in float64. "
        "The file is taken as it is, without edits.",
    ),
    "gradients": (
        "Gradients",
        "The derivative rule of every node, and the gradient by every parameter and input, against "
        "central differences, at the point that Explore shows: edits count. The first node that "
        "disagrees is the one to mend. Of a value with several entries the number is the "
        "derivative along one random direction (seed 0).",
    ),
    "determinism": (
        "Determinism",
        "Two runs with the same seed, and one of the file opened anew, compared bit for bit. "
        "The file is taken as it is, without edits.",
    ),
    "precision": (
        "Three plans",
        "float64 node by node, float32 node by node, and float32 as the optimised plan that "
        "trains, at the point that Explore shows: edits count. Only what rounding cannot explain "
        "counts.",
    ),
}
VERDICTS = {
    "good": ":green-badge[:material/check_circle: all well{}]",
    "held": ":orange-badge[:material/pan_tool: agrees only{}]",
    "bad": ":red-badge[:material/error: wrong{}]",
    "none": ":gray-badge[:material/remove: nothing to check{}]",
}
WAITING = ":gray-badge[:material/hourglass_empty: not run yet]"
SIGNS = {
    "good": "✓ agrees", "held": "≈ held still", "wrong": "✗ wrong", "corner": "⌃ corner",
    "no derivative": "– none", "not finite": "∞ not finite", "not checked": "· left out",
    "tie": "= tie",
}  # fmt: skip
ORDER = ("wrong", "not finite", "held", "tie", "corner", "not checked", "no derivative", "good")
HEIGHT = 320


@dataclass
class Asked:
    """Which checks of a workspace were asked for, and what went wrong with some."""

    workspace: Workspace
    parts: set[Part] = field(default_factory=set)
    errors: dict[Part, GraphflowError] = field(default_factory=dict)


def page() -> None:
    """Four cards, each with a verdict, and a button that runs all."""
    st.header("Check", anchor=False)
    workspace = session().workspace
    if workspace is None:
        st.info("No model is open yet. Open one first: here it is then held against numbers.")
        return
    asked = _asked(workspace)
    name = escaped(workspace.title)
    st.markdown(f"Is **{name}** right? Four questions, each answered on its own.")
    if st.button("Run all four checks", type="primary", icon=":material/checklist:"):
        asked.parts, asked.errors = set(PARTS), {}
    for part in PARTS:
        st.fragment(card)(part)


def card(part: Part) -> None:
    """One check: what it asks, its verdict, and what it found, failing rows first."""
    workspace = session().workspace
    assert workspace is not None
    asked = _asked(workspace)
    title, about = TITLES[part]
    with st.container(border=True, key=f"check_{part}"):
        heading, action = st.columns([5, 1], vertical_alignment="center")
        if action.button("Run", key=f"check_run_{part}", width="stretch", help=f"Run: {title}"):
            asked.parts.add(part)
            asked.errors.pop(part, None)
        found = _found(part, asked, title)
        verdict = WAITING if found is None else _verdict(found)
        heading.markdown(f"#### {title} {verdict}")
        st.caption(about)
        if part in asked.errors:
            show(asked.errors[part])
        if found is not None:
            with show_errors():
                _answer(found)


def _verdict(found: Section) -> str:
    """The verdict in a word, with what it must not be read without."""
    note = "" if found.verdict == "none" or not found.note else f" {escaped(found.note)}"
    return VERDICTS[found.verdict].format(f",{note}" if note and found.verdict != "held" else note)


def _found(part: Part, asked: Asked, title: str) -> Section | None:
    """The answer, if the check was asked for; an error is kept, so that nothing asks again."""
    if part not in asked.parts:
        return None
    try:
        with st.spinner(f"{title}: comparing …", show_time=True):
            return ask(CheckReport, "check", part).section(part)
    except GraphflowError as error:
        asked.parts.discard(part)
        asked.errors[part] = error
        return None


def _asked(workspace: Workspace) -> Asked:
    """What was asked of this workspace; another one begins anew."""
    known = cast(Asked | None, st.session_state.get(KEY))
    if known is None or known.workspace != workspace:
        known = st.session_state[KEY] = Asked(workspace)
    return known


def _answer(found: Section) -> None:
    """What was found in words, the table, and the way to a node."""
    st.markdown(f"{escaped(found.words)} :gray[{found.seconds:.1f} s]")
    if not found.rows:
        return
    rows = sorted(found.rows, key=lambda row: ORDER.index(row.status))
    with st.expander(f"What was compared: {len(rows)}", expanded=found.verdict == "bad"):
        chosen = _table(found.part, rows)
        st.caption("Choose a row to open its node in Explore.")
    if chosen is None and found.first:
        chosen = found.failures[0]
    if chosen is None:
        return
    if st.button(f"Open {escaped(chosen.name)} in Explore", key=f"check_open_{found.part}",
                 icon=":material/account_tree:"):  # fmt: skip
        _explore(chosen)


def _table(part: Part, rows: Sequence[Row]) -> Row | None:
    """The rows, and the one that is chosen."""
    event = st.dataframe(
        {
            "verdict": [SIGNS[row.status] for row in rows],
            "node": [row.name for row in rows],
            "what": [row.what for row in rows],
            "expected": [row.expected for row in rows],
            "found": [row.found for row in rows],
            "error": ["" if row.error is None else f"{row.error:.2g}" for row in rows],
            "allowed": ["" if row.tolerance is None else f"{row.tolerance:.2g}" for row in rows],
            "in words": [row.words for row in rows],
            "line": ["" if row.mark is None else str(row.mark.line) for row in rows],
        },
        hide_index=True,
        height=min(HEIGHT, 38 + 35 * len(rows)),
        on_select="rerun",
        selection_mode="single-row",
        key=f"check_table_{part}",
    )
    picked = event.selection.rows
    return rows[picked[0]] if picked and picked[0] < len(rows) else None


def _explore(row: Row) -> None:
    """Show a node in Explore, at the step that it runs in."""
    steps = cast(Sequence[Step], ask(tuple, "steps"))
    session().selected = row.name
    move_to(step_of(steps, row))
    go("explore")


def step_of(steps: Sequence[Step], row: Row) -> int:
    """The step that a row is about: its node, the gradient of its leaf, or its place; else the
    start.
    """
    names = [row.name, f"{row.name}.grad"]
    if row.what == "gradient":
        names.reverse()
    for name in names:
        found = next((step.index for step in steps if step.node == name), None)
        if found is not None:
            return found
    return next((step.index for step in steps if step.place == row.name), START)
