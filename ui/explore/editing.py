"""Inputs, parameters and states written over: everything that hangs on them is computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import streamlit as st

from graphflow.diagnostics import fail
from graphflow.view.overview import Leaf, Overview
from graphflow.view.shown import Shown
from graphflow.view.workspace import Edit
from ui.explore.values import value
from ui.messages import label, show, show_errors
from ui.state import START, ask, opened, refusal, session, try_change

EDITS = "edits"
ASKED = "edits_asked"
"""How often a change was asked for: a table after one is another, with nothing pending."""
SCALARS = 12
"""As many numbers stand side by side; more are chosen by name."""


def editing(overview: Overview) -> None:
    """A field for every number where they are few, a table for a small array, undo and reset."""
    scalars = [leaf for leaf in overview.editable if not leaf.shape][:SCALARS]
    arrays = [leaf for leaf in overview.editable if leaf not in scalars]
    error = refusal(EDITS)
    if error is not None:
        show(error)
    with show_errors():
        for leaf in scalars:
            number(leaf)
        if arrays:
            array(arrays)
    edits = opened().edits
    if edits:
        st.caption(f"{len(edits)} edit{'s' * (len(edits) > 1)}; the last: {text(edits[-1])}")
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
        st.number_input(label(f"{leaf.name} ({leaf.kind})"), key=key, format="%g", step=0.1,
                        on_change=_written, args=(leaf.name, key))  # fmt: skip
    else:
        st.session_state[key] = None if now is None else int(now)
        st.number_input(label(f"{leaf.name} ({leaf.kind})"), key=key, step=1, on_change=_written,
                        args=(leaf.name, key))  # fmt: skip


def array(leaves: list[Leaf]) -> None:
    """A table for a small array, and one entry, or all, of any."""
    by_name = {leaf.name: leaf for leaf in leaves}
    leaf = by_name[st.selectbox("Array", list(by_name), key="edit_array")]
    shown = current(leaf.name)
    if shown.editable and len(leaf.shape) <= 2:
        key = f"table {leaf.name} {st.session_state.get(ASKED, 0)}"
        columns = {str(i): [_number(row[i], leaf.dtype) for row in shown.cells]
                   for i in range(len(shown.cells[0]))}  # fmt: skip
        st.data_editor(columns, key=key, on_change=_table, args=(leaf.name, key), hide_index=True)
    else:
        value(shown, slicing=f"edited_{leaf.name}")
    entry(leaf)


def entry(leaf: Leaf) -> None:
    """One number for one entry of an array, or for every one."""
    last = ", ".join(str(n - 1) for n in leaf.shape)
    form = st.form(f"entry of {leaf.name}", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.text_input("Entry", placeholder="all of them",
                              help=f"counted from 0: the last one is {last}; none means all",
                              key=f"entry {leaf.name}")  # fmt: skip
        number = st.number_input("becomes", value=0.0, format="%g", key=f"becomes {leaf.name}")
        if st.form_submit_button("Write", key=f"write {leaf.name}"):
            _add([Edit(leaf.name, index_of(leaf.name, place), float(number))])
            st.rerun()


def index_of(name: str, text: str) -> tuple[int, ...] | None:
    """A place in an array; nothing is all of it. Raises GF080 for what is no place.

    >>> index_of("w", "0, 2"), index_of("w", " ")
    ((0, 2), None)
    """
    if not text.strip():
        return None
    parts = [part.strip() for part in text.strip().strip("[]()").rstrip(",").split(",")]
    if not all(part.isdecimal() and part.isascii() for part in parts):
        fail("GF080", f"'{text}' is no place in '{name}'",
             help="write whole numbers from 0, one for each axis: 0, 2")  # fmt: skip
    return tuple(int(part) for part in parts)


def current(name: str) -> Shown:
    """A leaf as it is before the first step."""
    return ask(Shown, "shown", name, START, 0)


def become(edits: tuple[Edit, ...]) -> None:
    """Show the model with these edits, and what they changed; where it cannot be, say so."""
    st.session_state[ASKED] = st.session_state.get(ASKED, 0) + 1
    if try_change(replace(opened(), edits=edits), EDITS):
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


def _number(cell: str, dtype: str) -> float | int | bool | None:
    """A cell of a table as the number that a column of this type holds."""
    if dtype == "bool":
        return cell == "true"
    return float(cell) if dtype.startswith("float") else int(cell)
