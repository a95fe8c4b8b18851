"""The head of the page: what is open, how it is walked, and ways to change and to share it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from graphflow.view.feeding import LARGEST
from graphflow.view.overview import Overview
from graphflow.view.workspace import Walk
from ui.explore import editing, sharing
from ui.explore.values import size
from ui.messages import escaped, label, show
from ui.state import START, move_to, opened, refusal, try_change

WALK = "walk"
COST = "The bytes of all values and gradients together, and the time that all nodes took."
WALKS: dict[Walk, str] = {"gradient": "one gradient", "training": "training steps"}


def header(overview: Overview) -> None:
    """Name and facts on the left, what can be done on the right."""
    training = overview.walk == "training"
    room = [0.5, 0.5] if training else [0.6, 0.4]
    left, right = st.columns(room, vertical_alignment="center")
    with left:
        st.subheader(escaped(overview.name), help=escaped(overview.about) or None, anchor=False)
        st.caption(facts(overview), help=COST)
    with (
        right,
        st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"),
    ):
        if training:
            iterations(overview)
        with st.popover("Walk", icon=":material/route:"):
            walk(overview)
        with st.popover("Edit values", icon=":material/edit:"):
            editing.editing(overview)
        with st.container(width="content"):
            sharing.share(overview)
    error = refusal(WALK)
    if error is not None:
        show(error)
    for warning in overview.warnings:
        st.warning(escaped(warning))


def facts(overview: Overview) -> str:
    """One line: what is differentiated, how large it is, what is fed, what was edited."""
    counts = ", ".join(f"{count} {phase}" for phase, count in overview.counts if count)
    parts = [
        overview.trained,
        subject(overview),
        f"{overview.steps} steps: {counts}",
        f"{overview.nodes} nodes",
        f"{overview.parameters:,} parameters" if overview.parameters else "",
        f"{size(overview.bytes, 'B')} in {size(overview.seconds, 's')}",
        f"fed by {overview.fed}" if overview.fed else "",
    ]
    edits = len(opened().edits)
    edited = f"**{edits} edit{'s' * (edits > 1)}**" if edits else ""
    return " · ".join([*(escaped(part) for part in parts if part), *([edited] if edited else [])])


def subject(overview: Overview) -> str:
    """What is walked: the turns of a training step, or the value that is differentiated."""
    if overview.walk == "training":
        return f"a training step: {', then '.join(overview.turns)}"
    return f"gradient of {overview.of}" if overview.by else overview.of


def iterations(overview: Overview) -> None:
    """One training step back and on."""
    at = overview.iteration
    st.button("◀", key="iterate_back", help="the training step before", disabled=at == 0,
              on_click=iterate, args=(-1,))  # fmt: skip
    st.markdown(f"training step **{at + 1}**", width="content")
    st.button("▶", key="iterate_on", help="the next training step", on_click=iterate, args=(1,))


def iterate(by: int) -> None:
    """Show another training step, from its beginning."""
    workspace = opened()
    if try_change(replace(workspace, iteration=max(0, workspace.iteration + by)), WALK):
        move_to(START)


def walk(overview: Overview) -> None:
    """What is walked: the pass, the value, the seed, the loops."""
    workspace = opened()
    if len(overview.walks) > 1:
        key = _kept("walk", overview.walk)
        st.radio("What is walked", overview.walks, format_func=WALKS.__getitem__, key=key,
                 on_change=_become, args=("walk",))  # fmt: skip
    if overview.walk == "gradient" and len(overview.targets) > 1:
        key = _kept("of", overview.of if overview.of in overview.targets else None)
        st.selectbox("Differentiate", overview.targets, key=key, on_change=_become, args=("of",),
                     help="the value whose gradient flows back")  # fmt: skip
    key = _kept("seed", workspace.seed)
    st.number_input("Seed", min_value=0, max_value=2**31 - 1, step=1, placeholder="the file's",
                    key=key, on_change=_become, args=("seed",))  # fmt: skip
    key = _kept("dtype", workspace.dtype)
    st.segmented_control("Numbers", ("float64", "float32"), required=True, key=key,
                         on_change=_become, args=("dtype",))  # fmt: skip
    for name, number in overview.sizes:
        key = _kept(f"size {name}", number)
        st.number_input(f"Size {label(name)}", min_value=1, max_value=LARGEST, step=1,
                        key=key, on_change=_become, args=(f"size {name}",),
                        help="of inputs that random numbers are fed to")  # fmt: skip
    if overview.loops:
        lengths = {loop.name: loop.length for loop in overview.loops}
        key = _kept("unrolled", [name for name in lengths if name in workspace.unrolled])
        st.multiselect("Loops walked step by step", list(lengths), key=key, on_change=_become,
                       args=("unrolled",),
                       format_func=lambda name: f"{name} ({lengths[name]} time steps)")  # fmt: skip


def _kept(field: str, value: object) -> str:
    """The key of a control that shows what the workspace says."""
    st.session_state[f"walk {field}"] = value
    return f"walk {field}"


def _become(field: str) -> None:
    """Show another walk of the model, from its first step."""
    value = st.session_state[f"walk {field}"]
    if field.startswith("size "):
        sizes = {**dict(opened().sizes), field.removeprefix("size "): int(value)}
        field, value = "sizes", tuple(sorted(sizes.items()))
    elif field == "unrolled":
        value = tuple(value)
    elif field == "of":
        value = value or ""
    workspace = opened() if field != "walk" else replace(opened(), iteration=0)
    if try_change(replace(workspace, **{field: value}), WALK):
        move_to(START)
