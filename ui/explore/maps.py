"""The matrices that the file's heatmaps show: one of them, by value, sample and head."""

from __future__ import annotations

import streamlit as st

from graphflow.figures.descriptions import Heatmap, Labels, Panel
from graphflow.view.details.maps import MapChoice, MapView
from ui.messages import escaped
from ui.state import ask, session
from ui.widgets.drawn import shown


def maps() -> None:
    """Choices, and the matrix that is chosen at the cursor."""
    declared: tuple[MapChoice, ...] = ask(tuple, "maps", session().cursor)
    if not declared:
        st.caption("The file declares no heatmap: a section figures: does, of kind heatmap.")
        return
    chosen = st.selectbox("Heatmap", range(len(declared)), key="map",
                          format_func=lambda at: declared[at].title)  # fmt: skip
    of = declared[chosen]
    if of.about:
        st.caption(escaped(of.about))
    value = 0
    if len(of.values) > 1:
        value = st.segmented_control(
            "Value", range(len(of.values)), format_func=lambda at: of.values[at], default=0,
            required=True, key=f"map_value_{of.name}",
        )  # fmt: skip
    if of.sizes[value] is None:
        st.info(f"{of.values[value]} has no value yet at this step: End makes all of them.")
        return
    place = tuple(_place(of, value))
    view = ask(MapView, "map_at", session().cursor, of.name, value, place)
    labels = Labels("", view.x_label, view.y_label)
    panel = Panel(view.matrix, "", view.rows, view.columns)
    shown(Heatmap([panel], labels, 1, view.range, view.diverging), f"map_of_{of.name}", of.title)


def _place(of: MapChoice, value: int) -> list[int]:
    """Which sample and which head."""
    found = []
    for number, (word, count) in enumerate(of.axes(value)):
        key = f"map_{word}_{number}"
        if count == 1:
            found.append(0)
        else:
            last = min(st.session_state.get(key, 0), count - 1)
            found.append(st.slider(word.capitalize(), 0, count - 1, last, key=key))
    return found
