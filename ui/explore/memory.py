"""What is in memory at the cursor, and why."""

from __future__ import annotations

from html import escape

import streamlit as st

from graphflow.view.details.memory import alive_at, why
from graphflow.view.shown import Lifetime, MemoryView
from graphflow.view.steps import Step
from ui.explore.values import size
from ui.messages import escaped
from ui.state import ask, opened, session

WIDTH, HEIGHT, ROW = 360.0, 90.0, 16.0
BARS = 12
ROWS = 200
HUES = {
    "light": {"forward": "#d7e6fb", "backward": "#fde3cf", "update": "#d5f0de", "line": "#0b62c4",
              "text": "#1a2230", "cursor": "#b3261e", "bar": "#7aa7dd"},
    "dark": {"forward": "#1c3557", "backward": "#553015", "update": "#174530", "line": "#6cb2ff",
             "text": "#e6ebf2", "cursor": "#ff8a80", "bar": "#3f6ea8"},
}  # fmt: skip


def memory(steps: tuple[Step, ...]) -> None:
    """The bytes in use over the steps with the cursor, and what lives at it."""
    view = ask(MemoryView, "memory")
    at = max(session().cursor, 0)
    alive = [life for life, _ in alive_at(view, at)] if view.in_use else []
    here = view.in_use[at] if view.in_use else 0
    st.markdown(
        f"**{size(here, 'B')}** at this step · peak **{size(view.peak, 'B')}** at step "
        f"{view.peak_step + 1} · the fast plan needs **{size(view.planned, 'B')}**"
    )
    hues = HUES["dark" if st.context.theme.type == "dark" else "light"]
    st.image(
        strip(view, steps, at, alive[:BARS], hues),
        width="stretch",
        alt=f"Bytes in use over {len(view.in_use)} steps; {len(alive)} values live at the cursor",
    )
    st.caption(
        f"What is seen here is the plain plan: every node of the file, in {opened().dtype}; the "
        "fast plan, which trains, leaves out what nothing reads, computes what is equal once and "
        f"uses {view.planned_in}."
    )
    st.table([
        {"value": escaped(life.name), "size": size(life.bytes, "B"),
         "kept because": escaped(why(life, at))}
        for life in alive[:BARS]
    ], border="horizontal", hide_index=True)  # fmt: skip
    if len(alive) > BARS:
        with st.expander(f"All {len(alive)} values at this step"):
            every(alive, at)


def every(alive: list[Lifetime], at: int) -> None:
    """All that is in memory, the largest first."""
    st.dataframe(
        [
            {"value": life.name, "kind": life.kind, "size": size(life.bytes, "B"),
             "kept because": why(life, at), "from": life.start + 1, "to": life.end + 1}
            for life in alive[:ROWS]
        ],
        hide_index=True, height=220, key="memory_table",
    )  # fmt: skip
    if len(alive) > ROWS:
        st.caption(f"The {ROWS} largest of {len(alive)} values.")


def strip(
    view: MemoryView, steps: tuple[Step, ...], at: int, bars: list[Lifetime], hues: dict[str, str]
) -> str:
    """An SVG: the curve of bytes over bands of the phases, bars of lifetimes, and the cursor."""
    count = max(len(view.in_use), 1)
    wide = WIDTH / count
    height = HEIGHT + ROW * len(bars) + 4
    curve = " ".join(
        f"L{i * wide:.1f} {_y(used, view.peak):.1f} L{(i + 1) * wide:.1f} {_y(used, view.peak):.1f}"
        for i, used in enumerate(view.in_use)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'font-family="sans-serif" font-size="11">',
        *(
            f'<rect x="{start * wide:.1f}" y="0" width="{(end - start) * wide:.1f}" '
            f'height="{HEIGHT:g}" fill="{hues[phase]}"/>'
            for phase, start, end in bands(steps)
        ),
        f'<path d="M0 {HEIGHT:g} {curve} L{WIDTH:g} {HEIGHT:g}" fill="{hues["line"]}" '
        f'fill-opacity="0.35" stroke="{hues["line"]}"/>',
        *(_bar(life, row, wide, hues) for row, life in enumerate(bars)),
        f'<rect x="{(at + 0.5) * wide - 1:.1f}" y="0" width="2" height="{height:g}" '
        f'fill="{hues["cursor"]}"/></svg>',
    ]
    return "".join(parts)


def bands(steps: tuple[Step, ...]) -> list[tuple[str, int, int]]:
    """Stretches of one phase: its name, its first step and the one after its last."""
    found: list[tuple[str, int, int]] = []
    for step in steps:
        if found and found[-1][0] == step.phase:
            found[-1] = (step.phase, found[-1][1], step.index + 1)
        else:
            found.append((step.phase, step.index, step.index + 1))
    return found


def _y(used: int, peak: int) -> float:
    return HEIGHT - (HEIGHT - 6) * used / max(peak, 1)


def _bar(life: Lifetime, row: int, wide: float, hues: dict[str, str]) -> str:
    """One lifetime with its name, which stands where there is room for it."""
    y = HEIGHT + 4 + ROW * row
    start, end = life.start * wide, (life.end + 1) * wide
    left = start <= WIDTH / 2
    x = start + 3 if left else end - 3
    anchor = "start" if left else "end"
    name = escape(f"{life.name}  {size(life.bytes, 'B')}")
    return (
        f'<rect x="{start:.1f}" y="{y:.1f}" width="{max(end - start, 2):.1f}" '
        f'height="{ROW - 3:g}" rx="2" fill="{hues["bar"]}" fill-opacity="0.55"/>'
        f'<text x="{x:.1f}" y="{y + ROW - 6:.1f}" text-anchor="{anchor}" '
        f'fill="{hues["text"]}">{name}</text>'
    )
