"""Inputs, parameters and states written over: everything that hangs on them is computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import streamlit as st

from graphflow.view.overview import Leaf, Overview
from graphflow.view.shown import Shown
from graphflow.view.workspace import Edit
from ui.explore.values import value
from ui.messages import show_errors
from ui.state import START, ask, change, opened, session

SCALARS = 12
"""As many numbers stand side by side; more are chosen by name."""


def editing(overview: Overview) -> None:
    """A field for every number where they are few, a table for a small array, undo and reset."""
    scalars = [leaf for leaf in overview.editable if not leaf.shape][:SCALARS]
    arrays = [leaf for leaf in overview.editable if leaf not in scalars]
    with show_errors():
        for leaf in scalars:
            number(leaf)
        if arrays:
            array(arrays)
    edits = opened().edits
    if edits:
        st.caption(f"{len(edits)} edits; the last: {text(edits[-1])}")
    with st.container(horizontal=True):
        st.button("Undo", key="undo", disabled=not edits, on_click=become, args=(edits[:-1],))
        st.button("Reset", key="reset", disabled=not edits, on_click=become, args=((),))


def number(leaf: Leaf) -> None:
    """A field for one number."""
    shown = current(leaf.name)
    key = f"edit {leaf.name}"
    now = shown.summary.minimum
    if leaf.dtype.startswith("float"):
        st.session_state[key] = now
        st.number_input(f"{leaf.name} ({leaf.kind})", key=key, format="%g", step=0.1,
                        on_change=_written, args=(leaf.name, key))  # fmt: skip
    else:
        st.session_state[key] = None if now is None else int(now)
        st.number_input(f"{leaf.name} ({leaf.kind})", key=key, step=1, on_change=_written,
                        args=(leaf.name, key))  # fmt: skip


def array(leaves: list[Leaf]) -> None:
    """A table for a small array, or one number for all of a large one."""
    by_name = {leaf.name: leaf for leaf in leaves}
    name = st.selectbox("Array", list(by_name), key="edit_array")
    shown = current(name)
    if shown.editable and len(by_name[name].shape) <= 2:
        key = f"table {name} {len(opened().edits)}"
        columns = {str(i): [_number(row[i]) for row in shown.cells]
                   for i in range(len(shown.cells[0]))}  # fmt: skip
        st.data_editor(columns, key=key, on_change=_table, args=(name, key), hide_index=True)
    else:
        value(shown)
    with st.form(f"all of {name}", border=False):
        number = st.number_input("Every entry becomes", value=0.0, format="%g")
        if st.form_submit_button("Write"):
            become((*opened().edits, Edit(name, None, float(number))))
            st.rerun()


def current(name: str) -> Shown:
    """A leaf as it is before the first step."""
    return ask(Shown, "shown", name, START, 0)


def become(edits: tuple[Edit, ...]) -> None:
    """Show the model with these edits, and what they changed."""
    change(replace(opened(), edits=edits))
    session().overlay = "changes" if edits else "none"


def text(edit: Edit) -> str:
    """An edit in words.

    >>> text(Edit("w", (0, 2), 1.5))
    'w[0, 2] = 1.5'
    """
    if edit.index is None:
        return f"all of {edit.name} = {edit.value:g}"
    place = f"[{', '.join(map(str, edit.index))}]" if edit.index else ""
    return f"{edit.name}{place} = {edit.value:g}"


def _written(name: str, key: str) -> None:
    given = st.session_state[key]
    if given is not None:
        _add([Edit(name, (), float(given))])


def _table(name: str, key: str) -> None:
    """The cells that were written over, of a table whose columns are named by number."""
    changes = cast("Mapping[str, Mapping[int, Mapping[str, float | None]]]", st.session_state[key])
    one_row = len(current(name).summary.shape) == 1
    _add([
        Edit(name, (int(column),) if one_row else (int(row), int(column)), float(number))
        for row, cells in changes["edited_rows"].items()
        for column, number in cells.items()
        if number is not None
    ])  # fmt: skip


def _add(new: list[Edit]) -> None:
    """Add edits; one of what was written over last replaces that."""
    edits = opened().edits
    if edits and new and (edits[-1].name, edits[-1].index) == (new[0].name, new[0].index):
        edits = edits[:-1]
    become((*edits, *new))


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
