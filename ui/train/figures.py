"""The figures that a run's file declares."""

from __future__ import annotations

from typing import cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.figures import draw
from graphflow.figures.theme import template
from graphflow.studio.jobs import Standing
from graphflow.studio.services import Figure
from ui import state
from ui.messages import show_errors


def figures(run: Standing) -> None:
    """The figures that the file declares, drawn when they are asked for: they take a while."""
    if not st.toggle("The file's figures, at the last checkpoint", key="train_figures"):
        return
    path = str(run.entry.path)
    found = state.answer(
        ("figures", path, run.entry.steps),
        lambda: state.client().call("figures", path),
        alone=True,
    )
    declared = cast("tuple[Figure, ...]", found)
    if not declared:
        st.caption("The file declares no figures: a section figures: does.")
    dark = st.context.theme.type == "dark"
    for figure in declared:
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
