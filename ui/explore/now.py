"""What the last step did: formula, numbers, operands, cost, and a sentence."""

from __future__ import annotations

import re

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.view.overview import Overview
from graphflow.view.shown import Detail, Shown
from graphflow.view.steps import Step
from ui.explore.values import size, value
from ui.messages import escaped
from ui.state import ask, session

SIGNS = {"forward": "▶ forward", "backward": "◀ backward", "update": "✎ update"}
"""Phases in words, with a sign each: never told apart by colour alone."""
PATH = re.compile(r"\b[A-Za-z_]\w*(?:\.\w+)*?\.(\w+\.\w+\.\w+)(?![\w.])")
"""A name of more than three parts, and the last three."""
LEAVES = 6
"""Given values that are shown before the first step."""
COLOURS = {"forward": "blue", "backward": "orange", "update": "green"}


def beginning(steps: tuple[Step, ...]) -> None:
    """What there is to see before the first step, and how to make it."""
    first = steps[0].text if steps else ""
    st.markdown("#### Nothing has run yet")
    st.markdown(
        "**Step**: the blue button, or `n`; or `→` while the graph has the focus."
        " Each step runs one node, and `←` goes back."
    )
    if first:
        st.markdown(f"The first step will be  \n`{first.replace('`', '')}`")


def leaves(overview: Overview) -> None:
    """What is given before anything runs: the inputs first."""
    for leaf in overview.editable[:LEAVES]:
        shown = known(leaf.name)
        if shown is not None:
            value(shown)
    more = len(overview.editable) - LEAVES
    if more > 0:
        st.caption(f"and {more} more: Edit values shows them all")


def place(step: Step, count: int) -> None:
    """Where the cursor is, and what just happened, in two lines."""
    colour = COLOURS[step.phase]
    times = "".join(f" · {escaped(loop)} at time {at}" for loop, at in step.within)
    st.markdown(f":{colour}-badge[{SIGNS[step.phase]}] step **{step.index + 1}** of {count}{times}")
    short = shortened(step.text)
    st.markdown(f"##### {escaped(short)}")
    if short != step.text:
        st.caption(escaped(step.node))
    if step.flag:
        st.markdown(f":red-badge[⚠ {escaped(step.flag)}] this value is not finite")


def shortened(text: str) -> str:
    """A line with the last parts of long paths: the step's full name stands below it.

    >>> shortened("features.stage4.basic1.center.vjp.div = a.b.c + 0.25")
    '…center.vjp.div = a.b.c + 0.25'
    """
    return PATH.sub(lambda path: f"…{path[1]}", text)


def now(detail: Detail) -> None:
    """The operation with its formula, the numbers put in, its operands and what it costs."""
    if detail.sentence:
        st.markdown(escaped(detail.sentence))
    if detail.formula:
        st.latex(detail.formula)
    if detail.numbers:
        st.latex(detail.numbers)
    if detail.path:
        st.caption(f"Names in formulas stand in {escaped(detail.path)}.")
    for number, shown in enumerate(detail.value):
        value(shown, slicing=f"value_{detail.node}_{number}")
    if detail.operands:
        st.markdown("**Computed from**")
        for number, shown in enumerate(detail.operands):
            value(shown, slicing=f"operand_{detail.node}_{number}")
    st.caption(
        f"{escaped(detail.op)} · {size(detail.flops, 'FLOP')} · {size(detail.bytes, 'B')}"
        f" · {size(detail.seconds, 's')}"
    )
    if detail.about:
        with st.expander(f"What {escaped(detail.op)} does"):
            st.markdown(escaped(detail.about))


def selection() -> None:
    """A node that was clicked: its value and its gradient as far as they are known."""
    name = session().selected
    if not name:
        return
    with st.container(border=True):
        st.markdown(f":gray-badge[selected] **{escaped(name)}**")
        found = [known(name), known(f"{name}.grad")]
        for shown in found:
            if shown is not None:
                value(shown)
        if found == [None, None]:
            st.caption("There is no value yet at this step, or it is a group.")


def known(name: str) -> Shown | None:
    """A value at the cursor; None where there is none (yet)."""
    try:
        return ask(Shown, "shown", name, session().cursor, 0)
    except GraphflowError as error:
        if {found.code for found in error.diagnostics} <= {"GF020", "GF082"}:
            return None
        raise
