"""The graph widget as a component of Streamlit: what it is sent, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict, TypeVar

import streamlit as st

from graphflow.view.widget import panel_script, script, style

KEY = "graph"
PANEL = "graph_panel"
T = TypeVar("T")
_mount = st.components.v2.component("graphflow_graph", js=script(), css=style())
_mount_panel = st.components.v2.component("graphflow_panel", js=panel_script())


def nothing(_: object) -> None:
    """The widget says it, and a page has no use for it."""


@dataclass(frozen=True, kw_only=True)
class Handlers:
    """What is called with what the widget says; see :mod:`graphflow.view.widget`. What follows from
    a schedule may be left out where there is none.
    """

    selected: Callable[[str], None]
    toggle: Callable[[str], None]
    option: Callable[[str, object], None]
    open: Callable[[str], None]
    cursor: Callable[[int], None] = nothing
    breakpoint: Callable[[str], None] = nothing
    watch: Callable[[str], None] = nothing
    need: Callable[[str], None] = nothing
    iterate: Callable[[int], None] = nothing


def graph(data: Mapping[str, object], handlers: Handlers) -> None:
    """Show the widget. NaN and infinities are not among the data: they would be no JSON."""
    json.dumps(data, allow_nan=False)
    _mount(
        key=KEY,
        data=dict(data),
        on_toggle_change=lambda: _told(handlers.toggle, "toggle", str),
        on_need_change=lambda: _told(handlers.need, "need", str),
        on_iterate_change=lambda: _told(handlers.iterate, "iterate", int),
        **_heard(KEY, handlers),
    )


def panel(data: Mapping[str, object], handlers: Handlers) -> None:
    """The panel's half of a widget that is shown in halves: nothing that is seen."""
    _mount_panel(key=PANEL, data=dict(data), **_heard(PANEL, handlers))


class _Heard(TypedDict):
    """What either half may hear."""

    on_cursor_change: Callable[[], None]
    on_selected_change: Callable[[], None]
    on_option_change: Callable[[], None]
    on_breakpoint_change: Callable[[], None]
    on_watch_change: Callable[[], None]
    on_open_change: Callable[[], None]


def _heard(key: str, handlers: Handlers) -> _Heard:
    return _Heard(
        on_cursor_change=lambda: _told(handlers.cursor, "cursor", int, key),
        on_selected_change=lambda: _told(handlers.selected, "selected", str, key),
        on_option_change=lambda: _option(handlers.option, key),
        on_breakpoint_change=lambda: _told(handlers.breakpoint, "breakpoint", str, key),
        on_watch_change=lambda: _told(handlers.watch, "watch", str, key),
        on_open_change=lambda: _told(handlers.open, "open", str, key),
    )


def _told(handler: Callable[[T], None], name: str, kind: type[T], key: str = KEY) -> None:
    """Hand on what the widget said, if it is what was expected: a browser may say anything."""
    value = st.session_state[key].get(name)
    if isinstance(value, kind):
        handler(value)


def _option(handler: Callable[[str, object], None], key: str) -> None:
    said = st.session_state[key].get("option")
    if isinstance(said, Mapping) and isinstance(said.get("name"), str):
        handler(said["name"], said.get("value"))
