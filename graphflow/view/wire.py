"""Drawings, schedules and overlays in the form that goes to a browser: plain JSON, no NaN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import TypeAlias

from graphflow.view.copies import timeless
from graphflow.view.drawing import Drawing, DrawnEdge, DrawnGroup, DrawnNode, Point
from graphflow.view.layout import Direction, curve
from graphflow.view.overlay import Overlay
from graphflow.view.steps import Step, Written
from graphflow.view.workspace import Look

Wire: TypeAlias = bool | int | float | str | Sequence["Wire"] | Mapping[str, "Wire"] | None

PHASES = ("forward", "backward", "update")


def number(value: float) -> float | int | str:
    """A number as JSON can hold it: ``nan`` and ``inf`` as text, whole ones without a fraction.

    >>> number(2.0), number(0.25), number(float("-inf"))
    (2, 0.25, '-inf')
    """
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return int(value) if value == int(value) else value


def wire_drawing(drawing: Drawing) -> dict[str, Wire]:
    """A drawing; lengths are rounded to whole pixels."""
    return {
        "rev": drawing.rev,
        "w": _length(drawing.width),
        "h": _length(drawing.height),
        "dir": drawing.direction,
        "nodes": [_node(node) for node in drawing.nodes],
        "groups": [_group(group) for group in drawing.groups],
        "edges": [_edge(edge, drawing.direction) for edge in drawing.edges],
        "shown": dict(drawing.shown_as),
        "copies": {loop: list(copies) for loop, copies in drawing.copies.items()},
    }


def wire_look(look: Look, drawing: Drawing) -> dict[str, Wire]:
    """How a drawing is looked at, as the toolbar of the widget shows it."""
    return {
        "direction": look.direction, "parameters": look.parameters, "folded": look.folded,
        "shapes": look.shapes, "values": look.values, "moments": dict(look.moments),
        "loops": {timeless(group.id): group.length for group in drawing.groups if group.length},
    }  # fmt: skip


def _length(value: float) -> int:
    """A length or a place, rounded."""
    return round(value)


def _node(node: DrawnNode) -> dict[str, Wire]:
    """A box; what is not said is empty or one."""
    said: dict[str, Wire] = {
        "id": node.id, "label": node.label, "sub": node.sub, "kind": node.kind,
        "x": _length(node.x), "y": _length(node.y), "w": _length(node.w), "h": _length(node.h),
        "group": node.group, "shape": node.shape, "aria": node.description,
        "inline": list(node.inline), "lines": node.lines or "", "gives": list(node.gives),
        "row": list(node.row),
    }  # fmt: skip
    counts = {"count": node.count, "folded": node.folded}
    return (
        {k: v for k, v in said.items() if v not in ("", [])}
        | {k: v for k, v in counts.items() if v != 1}
        | ({"closed": True} if node.closed else {})
    )


def _group(group: DrawnGroup) -> dict[str, Wire]:
    return {
        "id": group.id, "label": group.label, "parent": group.parent, "x": _length(group.x),
        "y": _length(group.y), "w": _length(group.w), "h": _length(group.h),
        "count": group.count, "length": group.length,
    }  # fmt: skip


def _edge(edge: DrawnEdge, direction: Direction) -> dict[str, Wire]:
    """An edge; it has a label, its place and ``back`` only where there is one, and where it is."""
    points = [(float(round(x)), float(round(y))) for x, y in edge.points]
    way = curve(_turning(points), direction, edge.back)
    said: dict[str, Wire] = {"s": edge.source, "t": edge.target, "d": way}
    if edge.label:
        said |= {"label": edge.label, "lx": _length(edge.at[0]), "ly": _length(edge.at[1])}
    return said | ({"back": True} if edge.back else {})


def _turning(points: Sequence[Point]) -> list[Point]:
    """The points where a way turns, its ends included.

    >>> _turning([(0, 0), (0, 5), (0, 9), (4, 12)])
    [(0, 0), (0, 9), (4, 12)]
    """
    kept = list(points[:1])
    for point, following in pairwise(points[1:]):
        before = kept[-1]
        level = [before[axis] == point[axis] == following[axis] for axis in (0, 1)]
        if not any(level):
            kept.append(point)
    return [*kept, points[-1]]


class _Table:
    """Texts that are said once and then named by their index."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.index.setdefault(text, len(self.index))


def wire_schedule(
    steps: Iterable[Step], turns: Sequence[str], given: Sequence[Mapping[str, str]] = ()
) -> dict[str, Wire]:
    """A schedule as rows of indices into tables of its texts.

    A row is node, phase, place, source and target of its edge (-1 where it has none), block, turn,
    loops around it, flag and where else than at its node it is seen, all but phase and turn being
    indices: ``within`` holds loops, from outside in, each with its time step. ``rev`` changes with
    any of it. ``texts`` holds one line for each step, ``seen`` lists of names; ``written`` what it
    writes on a box: the box, the text and the norm of a whole gradient, or 0 for nothing. For steps
    that begin a time step ``brought`` holds what that finds, each by box and text; ``given`` holds
    the values of each turn's leaves.
    """
    names, blocks, flags = _Table(), _Table(), _Table()
    seen: dict[tuple[int, ...], int] = {}
    within: dict[tuple[tuple[str, int], ...], int] = {(): 0}
    flags("")
    rows: list[Wire] = []
    texts: list[Wire] = []
    written: list[Wire] = []
    brought: dict[str, Wire] = {}
    for step in steps:
        source, target = (names(end) for end in step.edge) if step.edge else (-1, -1)
        elsewhere = tuple(names(id) for id in sorted(step.seen_at - {step.id}))
        rows.append([
            names(step.id), PHASES.index(step.phase), names(step.place),
            source, target, blocks("\n".join(step.block)), step.turn,
            within.setdefault(step.within, len(within)), flags(step.flag),
            seen.setdefault(elsewhere, len(seen)),
        ])  # fmt: skip
        texts.append(step.text)
        written.append(_written(step.written, names))
        if step.brought:
            brought[str(step.index)] = [_written(each, names) for each in step.brought]
    tables: dict[str, Wire] = {
        "names": list(names.index), "steps": rows, "texts": texts,
        "written": written, "brought": brought,
        "given": [dict(values) for values in given],
        "blocks": [text.split("\n") if text else [] for text in blocks.index],
        "flags": list(flags.index), "seen": list(seen), "turns": list(turns),
        "within": [[list(loop) for loop in loops] for loops in within],
    }  # fmt: skip
    return {"rev": sha256(repr(tables).encode()).hexdigest()[:16], **tables}


def _written(written: Written | None, names: _Table) -> Wire:
    if written is None:
        return 0
    found: list[Wire] = [names(written.at), written.text]
    return found if written.norm is None else [*found, number(float(f"{written.norm:.6g}"))]


def wire_overlay(overlay: Overlay) -> dict[str, Wire]:
    """An overlay: for each box its bucket, text, flag, and what hidden node they are of, if any."""
    return {
        "kind": overlay.kind,
        "about": overlay.about,
        "legend": list(overlay.legend),
        "marks": {
            id: [mark.bucket, mark.text, mark.flag, *([mark.inside] if mark.inside else [])]
            for id, mark in overlay.marks.items()
        },
    }
