"""Which groups are open when nobody has said so."""

from __future__ import annotations

from collections.abc import Collection

from graphflow.view.scene.outline import Outline

READABLE = 40
"""Boxes that one takes in at a look; so many are shown before a group is opened by hand."""
READABLE_INSIDE = 16
"""The same, where opening shows what library blocks are made of, which few want to see first."""


def opened_at_first(outline: Outline, folded: bool) -> frozenset[str]:
    """The groups that are open at first: level by level, as long as what is seen stays readable.

    First the file's own groups, then, in small graphs, library blocks that call no others. The
    blocks of a row stay closed where rows are folded.
    """
    opened: frozenset[str] = frozenset()
    closed = {name for row in outline.rows for name in row} if folded else set()
    blocks = {group.parent for group in outline.groups.values()}
    for library, limit in ((False, READABLE), (True, READABLE_INSIDE)):
        if library:
            closed |= {name for name in blocks if name and outline.groups[name].library}
        while True:
            found = _next_level(outline, opened, library, closed)
            if not found or visible(outline, opened | found, folded) > limit:
                break
            opened |= found
    return opened


def _next_level(
    outline: Outline, opened: frozenset[str], library: bool, closed: Collection[str]
) -> frozenset[str]:
    """The groups that are seen and may be opened, of the least depth there is among them."""
    seen = [
        name
        for name, group in outline.groups.items()
        if name not in opened
        and name not in closed
        and (library or not group.library)
        and (not group.parent or group.parent in opened)
    ]
    least = min((outline.depth[name] for name in seen), default=0)
    return frozenset(name for name in seen if outline.depth[name] == least)


def visible(outline: Outline, opened: frozenset[str], folded: bool) -> int:
    """How many boxes are seen, those left out that stand inside of others."""
    hidden = folded_into(outline, opened) if folded else {}
    boxes = sum(
        box.stand == "own" and all(name in opened for name in outline.within(box.group))
        for box in outline.boxes.values()
    )
    groups = sum(
        name not in opened
        and name not in hidden
        and all(outer in opened for outer in outline.within(group.parent))
        for name, group in outline.groups.items()
    )
    return boxes + groups


def folded_into(outline: Outline, opened: frozenset[str]) -> dict[str, str]:
    """The closed blocks of a row that are drawn as one, by the first of each run of them."""
    found: dict[str, str] = {}
    for row in outline.rows:
        first = ""
        for name in row:
            if name in opened:
                first = ""
            elif first:
                found[name] = first
            else:
                first = name
    return found
