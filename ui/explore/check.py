"""The gradient against differences, for one value, with a sweep of the step size."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import streamlit as st

from graphflow.view.shown import GradientReport
from graphflow.view.steps import Step
from ui.messages import escaped, show_errors
from ui.state import ask, session
from ui.widgets.charts import named

HIDDEN = (
    "The gradient is what stop_gradient makes of it, not the slope of the values as they are. "
    "That is right where it is meant (a target, an estimator), and wrong where the graph should "
    "have its own derivative."
)
SWEEP = {
    "mark": {"type": "line", "point": True},
    "encoding": {
        "x": {"field": "epsilon", "type": "quantitative", "scale": {"type": "log"},
              "title": "step size ε", "axis": {"format": ".0e"}},
        "y": {"field": "error", "type": "quantitative", "scale": {"type": "log"},
              "title": "relative error", "axis": {"format": ".0e"}},
    },
    "height": 160,
}  # fmt: skip
"""Over step sizes and errors."""


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
    st.markdown(f"{verdict(found)} d {escaped(found.of)} / d {escaped(found.by)}")
    if found.seed is not None:
        st.markdown(
            f"**{escaped(found.by)}** has {found.size} entries. The numbers are the derivative "
            f"along one random direction v (seed {found.seed}): the sum of gradient times v."
        )
    let_go = ""
    if found.freed is not None:
        let_go = f"  \nwith every stop_gradient let go, numeric `{found.freed:.10g}`"
    st.markdown(
        f"analytic `{found.analytic:.10g}`  \nnumeric `{found.best.numeric:.10g}` at ε = "
        f"{found.best.epsilon:.0e}  \nrelative error `{found.best.error:.2e}`{let_go}"
    )
    if found.hidden:
        st.caption(HIDDEN)
    if found.note:
        st.caption(escaped(found.note))
    _entries(found)
    _sweep(found)


def verdict(found: GradientReport) -> str:
    """Agrees or differs, and what stop_gradient held still meanwhile."""
    held = f" {escaped(found.held)}" if found.held else ""
    if not found.good:
        return f":red-badge[✗ differs{held}]"
    if found.hidden:
        return f":orange-badge[≈ agrees only{held}]"
    return f":green-badge[✓ agrees{held}]"


def _entries(found: GradientReport) -> None:
    """The partial derivatives of a small value, one by one."""
    if not found.entries:
        return
    left = found.size - len(found.entries)
    st.markdown("Entry by entry" + (f": {left} of {found.size} left out" if left else ""))
    st.dataframe(
        [
            {"entry": str(list(row.index)), "analytic": f"{row.analytic:.8g}",
             "numeric": f"{row.numeric:.8g}", "error": f"{row.error:.1e}"}
            for row in found.entries
        ],
        hide_index=True, key="check_entries",
    )  # fmt: skip


def _sweep(found: GradientReport) -> None:
    """The error over the step size, as a curve and as a table."""
    rows = [
        {"epsilon": row.epsilon, "error": max(row.error, 1e-17)}
        for row in found.rows if isfinite(row.error)
    ]  # fmt: skip
    if rows:
        st.vega_lite_chart(spec={**SWEEP, **named(rows)}, key="check_sweep")
    st.table([
        {"ε": f"{row.epsilon:.0e}", "numeric": f"{row.numeric:.8g}", "error": f"{row.error:.1e}"}
        for row in found.rows
    ])  # fmt: skip
