"""The gradient against differences, for one value, with a sweep of the step size."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from graphflow.view.shown import GradientReport
from graphflow.view.steps import Step
from ui.messages import escaped, show_errors
from ui.state import ask, session


def check(by: tuple[str, ...], steps: Sequence[Step], cursor: int) -> None:
    """Choose a value, compare its gradient with differences, and see the sweep."""
    if not by:
        st.info("Nothing is differentiated here, so there is no gradient to check.")
        return
    here = value_at(steps, cursor)
    names = by if here in ("", *by) else (here, *by)
    start = names.index(here) if here else 0
    name = st.selectbox("Gradient by", names, index=start, key=f"check_of_{here}")
    if st.button("Check against differences", key="check", icon=":material/rule:"):
        st.session_state["checked"] = (session().workspace, name)
    if st.session_state.get("checked") == (session().workspace, name):
        with show_errors():
            report(ask(GradientReport, "gradient_check", name))


def value_at(steps: Sequence[Step], cursor: int) -> str:
    """The value at the cursor, where it has a gradient that the walk computes; else nothing. What
    is inside of a loop has one in each time step: it is not checked alone.
    """
    if cursor < 0 or steps[cursor].within:
        return ""
    place = steps[cursor].place
    backward = (each for each in steps if each.phase == "backward" and not each.within)
    return place if any(each.place == place for each in backward) else ""


def report(found: GradientReport) -> None:
    """The verdict in a word, then the sweep as a curve and as a table."""
    verdict = ":green-badge[✓ agrees]" if found.good else ":red-badge[✗ differs]"
    st.markdown(f"{verdict} d {escaped(found.of)} / d {escaped(found.by)}")
    st.markdown(
        f"analytic `{found.analytic:.10g}`  \nnumeric `{found.best.numeric:.10g}` at ε = "
        f"{found.best.epsilon:.0e}  \nrelative error `{found.best.error:.2e}`"
    )
    if found.note:
        st.caption(escaped(found.note))
    st.vega_lite_chart(
        [{"epsilon": row.epsilon, "error": max(row.error, 1e-17)} for row in found.rows],
        {
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": {"field": "epsilon", "type": "quantitative", "scale": {"type": "log"},
                      "title": "step size ε", "axis": {"format": ".0e"}},
                "y": {"field": "error", "type": "quantitative", "scale": {"type": "log"},
                      "title": "relative error", "axis": {"format": ".0e"}},
            },
            "height": 160,
        },
        key="check_sweep",
    )  # fmt: skip
    st.table([
        {"ε": f"{row.epsilon:.0e}", "numeric": f"{row.numeric:.8g}", "error": f"{row.error:.1e}"}
        for row in found.rows
    ])  # fmt: skip
