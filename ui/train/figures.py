"""The figures that a run's file declares."""

from __future__ import annotations

from typing import cast

import streamlit as st

from graphflow.diagnostics import GraphflowError
from graphflow.studio.jobs import Standing
from graphflow.studio.services import Figure
from ui import state
from ui.messages import show_errors
from ui.widgets.drawn import shown


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
    for figure in declared:
        with show_errors():
            if figure.description is None:
                raise GraphflowError(*figure.diagnostics)
            shown(figure.description, f"train_figure_{figure.name}", figure.name)
