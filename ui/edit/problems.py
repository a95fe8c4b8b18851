"""The list of what is wrong with a text; a click goes to the line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from graphflow.view.editing import Problem
from ui.messages import escaped
from ui.widgets.editor import Buffer

SHOWN = 12
SIGNS = {"error": ":material/error:", "warning": ":material/warning:"}


def problems(found: Sequence[Problem], buffer: Buffer) -> None:
    """The findings, each with its line, its node, what is wrong and what to do."""
    if not found:
        st.success("No problems: this is a graph file.", icon=":material/check_circle:")
        return
    count = f"{len(found)} problems" if len(found) > 1 else "1 problem"
    st.markdown(f"**{count}**")
    for number, problem in enumerate(found[:SHOWN]):
        _one(number, problem, buffer)
    if len(found) > SHOWN:
        st.caption(f"and {len(found) - SHOWN} more further down")


def _one(number: int, problem: Problem, buffer: Buffer) -> None:
    finding, mark = problem.finding, problem.finding.mark
    with st.container(border=True, gap="xxsmall"), st.container(horizontal=True, gap="small"):
        label = f"Line {mark.line}" if mark else "The file"
        st.button(
            label, key=f"problem-{number}", icon=SIGNS[finding.severity], help="Go to this line",
            on_click=buffer.go_to, args=(mark.line, mark.column) if mark else (1, 1),
        )  # fmt: skip
        about = f" in **{escaped(problem.node)}**" if problem.node else ""
        text = f"**{finding.code}**{about}: {escaped(finding.message)}"
        if finding.help:
            text += f"  \n:small[{escaped(finding.help)}]"
        st.markdown(text)
