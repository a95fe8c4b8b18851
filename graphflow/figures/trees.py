"""Trees that grow from left to right, a column a step."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from graphflow.figures.descriptions import Branch, Tree
from graphflow.figures.theme import colour, figure, safe

ROW = 30
"""Pixels between two branches that end beside each other."""
LOOKS = {"dropped": (7, 1), "kept": (0, 2), "best": (1, 3)}
"""Colour and width of the lines of each kind; later ones lie above earlier ones."""


def draw_tree(tree: Tree) -> go.Figure:
    """Each branch is a line with its words on it, which begins where its parent's ends."""
    steps, rows = _places(tree.branches)
    made = figure(tree.labels, height=ROW * (int(max(rows, default=0)) + 2), above=24, below=24)
    made.update_layout(hovermode="closest", showlegend=True)
    for kind, (ink, width) in LOOKS.items():
        mine = [i for i, branch in enumerate(tree.branches) if branch.kind == kind]
        lines = [_line(i, tree.branches[i].parent, steps, rows) for i in mine]
        made.add_trace(go.Scatter(
            x=[x for xs, _ in lines for x in xs], y=[y for _, ys in lines for y in ys],
            mode="lines", name=kind, line={"color": colour(ink), "width": width}, hoverinfo="skip",
        ))  # fmt: skip
        made.add_trace(_words(tree.branches, mine, steps, rows, colour(ink)))
    ends = [i for i, branch in enumerate(tree.branches) if branch.end]
    made.add_trace(go.Scatter(
        x=[steps[i] + 1.04 for i in ends], y=[rows[i] for i in ends], mode="text",
        text=[safe(tree.branches[i].end) for i in ends], textposition="middle right",
        hoverinfo="skip", showlegend=False,
    ))  # fmt: skip
    last = max(steps, default=0) + 1
    made.update_xaxes(
        range=[-0.02, last + (0.7 if ends else 0.1)], showgrid=False, side="top",
        title={"text": safe(tree.labels.x)},
        tickvals=[step + 0.5 for step in range(last)], ticktext=[str(n + 1) for n in range(last)],
    )  # fmt: skip
    made.update_yaxes(visible=False, range=[max(rows, default=0) + 0.6, -0.9])
    return made


def _places(branches: Sequence[Branch]) -> tuple[list[int], list[float]]:
    """The step of each branch, and its row: ends lie below each other, a parent in the middle of
    its children.
    """
    children: dict[int, list[int]] = {}
    for i, branch in enumerate(branches):
        children.setdefault(branch.parent, []).append(i)
    steps, rows, free = [0] * len(branches), [0.0] * len(branches), 0
    waiting = [(i, 0, False) for i in reversed(children.get(-1, []))]
    while waiting:
        i, step, grown = waiting.pop()
        below = children.get(i, [])
        steps[i] = step
        if grown:
            rows[i] = (rows[below[0]] + rows[below[-1]]) / 2
        elif below:
            waiting.append((i, step, True))
            waiting += [(child, step + 1, False) for child in reversed(below)]
        else:
            rows[i], free = float(free), free + 1
    return steps, rows


def _line(
    i: int, parent: int, steps: Sequence[int], rows: Sequence[float]
) -> tuple[list[float | None], list[float | None]]:
    """From where the parent ends down to the branch's own row, and along it."""
    first = rows[i] if parent < 0 else rows[parent]
    return [steps[i], steps[i], steps[i] + 1, None], [first, rows[i], rows[i], None]


def _words(
    branches: Sequence[Branch], chosen: Sequence[int], steps: Sequence[int],
    rows: Sequence[float], ink: str,
) -> go.Scatter:  # fmt: skip
    return go.Scatter(
        x=[steps[i] + 0.03 for i in chosen], y=[rows[i] for i in chosen], mode="text",
        text=[safe(branches[i].text) for i in chosen], textposition="top right",
        textfont={"size": 12, "color": ink}, hoverinfo="text",
        hovertext=[safe(branches[i].about) for i in chosen], showlegend=False,
    )  # fmt: skip
