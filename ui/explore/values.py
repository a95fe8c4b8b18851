"""One value on a page: its numbers where they are few, a picture where they are many."""

from __future__ import annotations

import math
from base64 import b64encode
from html import escape

import streamlit as st

from graphflow.view.shown import Shown
from ui.messages import escaped, label
from ui.state import ask, session

LONG = 90
"""Characters of a text that still stands in a line."""


def size(count: float, unit: str = "") -> str:
    """A count with a prefix.

    >>> size(0), size(1536, "B"), size(2_500_000), size(1e-5, "s")
    ('0', '1.54 kB', '2.5 M', '10 µs')
    """
    if not count:
        return f"0 {unit}".strip()
    prefixes = {-3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}
    power = max(-3, min(4, math.floor(math.log10(abs(count)) / 3)))
    return f"{count / 1000**power:.3g} {prefixes[power]}{unit}".strip()


def value(shown: Shown, *, slicing: str = "") -> None:
    """A value with its name, shape, numbers or picture, and how far an edit moved it.

    ``slicing`` is a key for choosing among the slices of a large one; without it the first is
    shown.
    """
    summary = shown.summary
    shape = "×".join(map(str, summary.shape)) or "scalar"
    short = not summary.shape or (len(shown.text) <= LONG and not (shown.cells or shown.picture))
    text = f" = `{_code(shown.text)}`" if short else ""
    st.markdown(f"**{escaped(shown.name)}**{text} :gray[{shape} {escaped(summary.dtype)}]")
    if shown.change:
        st.markdown(f":orange-badge[Δ changed] {escaped(shown.change)}")
    if slicing and shown.id and shown.slices > 1:
        shown = _slice(shown, slicing)
    if shown.cells and summary.shape:
        table(shown)
    if shown.picture:
        alt = f"{shown.name} as a picture: {shown.text}"
        st.image(embedded(shown.picture), width="content", alt=alt)
        legend(shown)
    if not short and shown.caption:
        st.caption(escaped(shown.caption))


def embedded(png: bytes) -> str:
    """A picture as an address that holds it: a file of the server is gone with the next step, often
    before the browser has fetched it.

    >>> embedded(b"png")
    'data:image/png;base64,cG5n'
    """
    return f"data:image/png;base64,{b64encode(png).decode()}"


def table(shown: Shown) -> None:
    """The numbers of a small value; rows and columns are counted from 0."""
    columns = range(len(shown.cells[0]))
    lines = [f"| | {' | '.join(f'*{column}*' for column in columns)} |",
             "|--|" + " --: |" * len(columns),
             *(f"| *{i}* | {' | '.join(map(escaped, row))} |" for i, row in enumerate(shown.cells))
             ]  # fmt: skip
    st.markdown("\n".join(lines))


def legend(shown: Shown) -> None:
    """What the colours of a picture stand for: the hue, and its number beside it."""
    if shown.colours:
        st.html(" ".join(
            f'<span style="white-space:nowrap;font-size:0.8rem"><span style="background:'
            f'{escape(colour)};border:1px solid gray">&emsp;</span> {escape(text)}</span>'
            for colour, text in shown.colours
        ))  # fmt: skip


def _slice(shown: Shown, key: str) -> Shown:
    """Another slice of a large value, where one is chosen."""
    chosen = st.slider(f"Slice of {label(shown.name)}", 0, shown.slices - 1, shown.slice, key=key)
    if chosen == shown.slice:
        return shown
    return ask(Shown, "shown", shown.id, session().cursor, chosen)


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")
