"""A description of a figure on a page."""

from __future__ import annotations

import streamlit as st

from graphflow.figures import draw
from graphflow.figures.descriptions import Description
from graphflow.figures.theme import template


def shown(description: Description, key: str, alt: str) -> None:
    """Draw it in the colours of the page."""
    drawn = draw(description)
    dark = st.context.theme.type == "dark"
    drawn.update_layout(
        template=template("dark" if dark else "light"), uirevision=key,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    st.plotly_chart(drawn, key=key, theme=None, config={"displaylogo": False}, alt=alt)
