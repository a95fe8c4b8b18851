"""What the text changes: lines, nodes, and what becomes of the values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from graphflow.view.editing import Carried, NodeChange, TextChange, TextChanges
from ui.messages import escaped

NODES_SHOWN = 60
NAMES_SHOWN = 12
SAID = {
    "added": ("+", "new"), "removed": ("−", "gone"), "retyped": ("≠", "another operator"),
    "reshaped": ("↔", "another shape"), "rewired": ("~", "reads other things"),
}  # fmt: skip
"""A sign and a word for each kind of change: colour says nothing alone."""
STYLE = """<style>
[data-testid="stCode"] .token { color: inherit !important; }
[data-testid="stCode"] .token.inserted { background: rgb(33 195 84 / .22); }
[data-testid="stCode"] .token.deleted { background: rgb(255 75 75 / .22); }
</style>"""
"""Streamlit's own colours of a difference are too faint to read, above all in light."""
UNKNOWN = (
    "Whether the graph is another one cannot be told: this text, or the one that it was made of, "
    "has problems that keep it from being read."
)
BEYOND = (
    "The texts differ over so many lines that not all are compared: lines that moved are not "
    "counted."
)
PARTLY = "As far as it can be told: lines with an error, and those that need them, are left out."


def lines(found: TextChanges) -> None:
    """The unified difference, in colours and with its signs."""
    if not found.rows:
        st.caption("The text is the same.")
        return
    least = "" if found.exact else "at least "
    added = f"{least}{found.added} {'line' if found.added == 1 else 'lines'} added (+)"
    st.caption(f"{added}, {least}{found.removed} removed (-)")
    if not found.exact:
        st.caption(BEYOND)
    st.html(STYLE)
    st.code("\n".join(map(_line, found.rows)), language="diff")
    if not found.complete:
        st.caption("Only the first differences are shown.")


def _line(change: TextChange) -> str:
    return f"@@ {change.text} @@" if change.sign == "@" else f"{change.sign}{change.text}"


def nodes(found: Sequence[NodeChange] | None, whole: bool) -> None:
    """The nodes that differ, with what they were and are; ``whole`` says that all was compared."""
    if found is None:
        st.caption(UNKNOWN)
        return
    if not whole:
        st.caption(PARTLY)
    if not found:
        st.caption(
            "The graph is the same." if whole else "The nodes that can be read are the same."
        )
        return
    counts = Counter(change.kind for change in found)
    st.caption(", ".join(f"{n} {SAID[kind][1]} ({SAID[kind][0]})" for kind, n in counts.items()))
    st.dataframe(
        {
            "": [SAID[change.kind][0] for change in found[:NODES_SHOWN]],
            "Node": [change.name for change in found[:NODES_SHOWN]],
            "What": [SAID[change.kind][1] for change in found[:NODES_SHOWN]],
            "Before": [change.before for change in found[:NODES_SHOWN]],
            "After": [change.after for change in found[:NODES_SHOWN]],
        },
        hide_index=True,
        width="stretch",
    )
    if len(found) > NODES_SHOWN:
        st.caption(f"and {len(found) - NODES_SHOWN} more")


def values(found: Carried | None) -> None:
    """Which values go on, which cannot and why, which are new."""
    if found is None:
        st.caption("Which values are kept cannot be told until the problems are mended.")
        return
    if found.kept:
        st.markdown(f":material/check: **kept**: {_names(found.kept)}")
    for name, why in found.lost[:NAMES_SHOWN]:
        st.markdown(f":material/close: **not kept**: {escaped(name)}, {escaped(why)}")
    if len(found.lost) > NAMES_SHOWN:
        st.caption(f"and {len(found.lost) - NAMES_SHOWN} more that are not kept")
    if found.fresh:
        st.markdown(f":material/add: **new**, with first values: {_names(found.fresh)}")
    if not (found.kept or found.lost or found.fresh):
        st.caption("No value was written over or trained: all start with their first values.")


def summary(found: Carried) -> str:
    """The same in one sentence.

    >>> summary(Carried(("w",), (("b", "it is gone"),)))
    'Values kept: 1; not kept: b (it is gone).'
    """
    if not (found.kept or found.lost):
        return "All values are first values."
    lost = ", ".join(f"{name} ({why})" for name, why in found.lost[:NAMES_SHOWN])
    return f"Values kept: {len(found.kept)}" + (f"; not kept: {lost}." if lost else ".")


def _names(found: Sequence[str]) -> str:
    more = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
    return escaped(", ".join(found[:NAMES_SHOWN])) + more
