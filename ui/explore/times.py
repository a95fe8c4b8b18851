"""How far back in time a gradient reaches, of the loops whose time steps are walked."""

from __future__ import annotations

import numpy as np
import streamlit as st

from graphflow.figures import Chart
from graphflow.figures.descriptions import Labels, Series
from graphflow.view.overview import Overview
from graphflow.view.shown import OverTime
from ui.messages import escaped
from ui.state import ask
from ui.train.curves import charts


def times(overview: Overview) -> None:
    """A chart for each loop, and its ends in words."""
    found: tuple[OverTime, ...] = ask(tuple, "over_time")
    if not found:
        st.info(nothing(overview))
    for loop in found:
        st.markdown(f"**{escaped(loop.loop)}**: the gradient of what enters each time step")
        charts(f"over_time_{loop.loop}", {loop.loop: chart(loop)})
        for place, norms in loop.norms.items():
            (first, early), (last, late) = norms[0], norms[-1]
            st.caption(
                f"{escaped(place)}: ‖∇‖ {early:.3g} where it enters time {first},"
                f" {late:.3g} where it enters time {last}"
            )


def nothing(overview: Overview) -> str:
    """Why there is no chart, and what to do."""
    if not overview.loops:
        return "No loop of this model carries a value from one time step to the next."
    return (
        "A loop carries a value from one time step to the next. Unroll it, with *unroll* on its "
        "frame or U, and walk a gradient: here is then how far back it reaches."
    )


def chart(loop: OverTime) -> Chart:
    """Norms over time steps, on an axis of powers of ten."""
    series = [
        Series(place, np.array([norm for _, norm in norms]), np.array([time for time, _ in norms]))
        for place, norms in loop.norms.items()
    ]
    return Chart(series, Labels("", "time step", "‖∇‖"), "y")
