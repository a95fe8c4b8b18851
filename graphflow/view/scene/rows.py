"""Rows of equal blocks: the layers of a transformer, the blocks of a residual net."""

from __future__ import annotations

from collections.abc import Iterable

from graphflow.ir.graph import Attr, Graph
from graphflow.view.scene.outline import Outline

NAMES = ("stream",)
"""Attributes that only tell one node from another."""


def rows_of(outline: Outline) -> tuple[tuple[str, ...], ...]:
    """Runs of sibling groups, equal inside, each of which reads the one before it."""
    alike = _fingerprints(outline)
    following = _following(outline)
    rows: list[list[str]] = []
    for name, group in outline.groups.items():
        last = rows[-1][-1] if rows else ""
        for row in reversed(rows):
            if outline.groups[row[-1]].parent == group.parent:
                last = row[-1]
                break
        else:
            row = []
        if row and alike[last] == alike[name] and name in following[last]:
            row.append(name)
        else:
            rows.append([name])
    return tuple(tuple(row) for row in rows if len(row) > 1)


def _following(outline: Outline) -> dict[str, set[str]]:
    """For each group the sibling groups that read it directly."""
    found: dict[str, set[str]] = {name: set() for name in outline.groups}
    chains = {name: list(outline.within(name))[::-1] for name in ("", *outline.groups)}
    for flow in outline.flows:
        if flow.back:
            continue
        source = chains[outline.boxes[flow.source].group]
        target = chains[outline.boxes[flow.target].group]
        for a, b in zip(source, target, strict=False):
            if a != b:
                found[a].add(b)
                break
    return found


def _fingerprints(outline: Outline) -> dict[str, int]:
    """A number for each group; equal ones for groups that compute the same in the same way."""
    members: dict[str, list[str]] = {name: [] for name in outline.groups}
    for box in outline.boxes.values():
        for name in outline.within(box.group):
            members[name].append(box.id)
    reads: dict[str, list[str]] = {}
    for flow in outline.flows:
        if not flow.back:
            reads.setdefault(flow.target, []).append(flow.source)
    known: dict[object, int] = {}
    found = {}
    for name, ids in members.items():
        place = {id: index for index, id in enumerate(ids)}
        parts: list[object] = [outline.groups[name].sub]
        for id in ids:
            node = outline.boxes[id].node
            depth = len(list(outline.within(outline.boxes[id].group)))
            wired = tuple(place.get(source, -1) for source in reads.get(id, ()))
            parts.append((node.op, node.type, wired, depth, tuple(_settings(node.attrs))))
        found[name] = known.setdefault(tuple(parts), len(known))
    return found


def _settings(attrs: Iterable[tuple[str, Attr]]) -> Iterable[tuple[str, object]]:
    """Attributes that say what is computed; regions are compared by what stands in them."""
    return ((k, v) for k, v in attrs if k not in NAMES and not isinstance(v, Graph))
