"""What an editor shows beside a text: its problems, its picture, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from graphflow.diagnostics import Diagnostic, GraphflowError
from graphflow.ir.graph import Graph
from graphflow.view.drawing import Drawing, DrawnNode
from graphflow.view.editing.carrying import Carried, carried, folder_of
from graphflow.view.editing.comparing import NodeChange, node_changes
from graphflow.view.editing.draft import Draft, drafted
from graphflow.view.editing.entries import entries, readable
from graphflow.view.opening import open_model, text_of
from graphflow.view.scene import drawn, outlined
from graphflow.view.workspace import Look, Workspace


@dataclass(frozen=True)
class Problem:
    """A finding, and the line of the file's graph that it is about, if it is about one."""

    finding: Diagnostic
    node: str = ""


@dataclass(frozen=True)
class Sketch:
    """A text as far as it can be understood.

    ``drawing`` is None where nothing can be drawn. ``changes`` are the nodes that differ from the
    graph that the text was made of, as far as both can be read, and ``carried`` what becomes of its
    values; None where it cannot be told. ``lines`` gives the first and last line of each entry of
    the file that is drawn.
    """

    problems: tuple[Problem, ...]
    drawing: Drawing | None
    failing: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    changes: tuple[NodeChange, ...] | None = None
    carried: Carried | None = None
    lines: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def is_good(origin: Workspace) -> bool:
    """Whether what a workspace shows is a graph file without errors. Raises GraphflowError where
    there is no such file.
    """
    folder = folder_of(origin)
    return drafted(text_of(origin), "text", Path(folder) if folder else None).good


def sketched(
    text: str, origin: Workspace, values: Workspace | None = None, look: Look | None = None
) -> Sketch:
    """A text that was made of what ``origin`` shows. ``values`` shows the values that may be kept,
    ``origin`` does if it is left out.
    """
    folder = folder_of(origin)
    draft = drafted(text, "text", Path(folder) if folder else None)
    lines = _lines(text)
    problems = tuple(Problem(found, _node_at(found, lines)) for found in draft.findings)
    if draft.graph is None or draft.calls is None or not len(draft.graph):
        return Sketch(problems, None, lines=lines)
    picture = drawn(outlined([draft.graph], draft.calls), look or Look(values=False))
    return Sketch(
        problems,
        _with_stand_ins(picture, draft),
        draft.failing,
        draft.waiting,
        _changes(origin, draft.graph, draft),
        _carried(values or origin, draft.graph) if draft.good else None,
        lines,
    )


@lru_cache(maxsize=4)
def _before(origin: Workspace) -> Graph | None:
    """The graph that a text is compared with; None where that cannot be opened."""
    try:
        return open_model(origin).elaborated.graph
    except GraphflowError:
        return None


def _changes(origin: Workspace, after: Graph, draft: Draft) -> tuple[NodeChange, ...] | None:
    """What differs; of a text with errors in it nobody knows yet what it leaves out."""
    before = _before(origin)
    if before is None:
        return None
    missing = {*draft.failing, *draft.waiting}
    return tuple(
        change
        for change in node_changes(before, after)
        if change.name not in missing and (draft.good or change.kind != "removed")
    )


def _carried(values: Workspace, after: Graph) -> Carried:
    """Values worth keeping are those of a run, and those that were written over."""
    before = _before(replace(values, edits=()))
    if before is None:
        return Carried()
    edited = tuple(dict.fromkeys(edit.name for edit in values.edits))
    return carried(before, after, None if values.run else edited)


def _lines(text: str) -> dict[str, tuple[int, int]]:
    tree, broken = readable(text, "text")
    known = (*(entries(tree, text) if tree is not None else ()), *broken)
    return {
        name: (entry.start[0], entry.start[0] + entry.text.rstrip().count("\n"))
        for entry in known
        for name in entry.names
    }


def _node_at(found: Diagnostic, lines: Mapping[str, tuple[int, int]]) -> str:
    """The entry in which a finding lies, the innermost one by its first line."""
    if found.mark is None:
        return ""
    line = found.mark.line
    holding = [(first, name) for name, (first, last) in lines.items() if first <= line <= last]
    return max(holding)[1] if holding else ""


def _with_stand_ins(picture: Drawing, draft: Draft) -> Drawing:
    """The drawing in which lines that are missing say so."""

    def told(node: DrawnNode) -> DrawnNode:
        if node.id in draft.failing:
            sub, says = "error", "this line is wrong"
        elif node.id in draft.waiting:
            sub, says = "waits", "it needs a line that is wrong"
        else:
            return node
        return replace(node, sub=sub, shape="", description=f"{node.label}: {says}")

    missing = {*draft.failing, *draft.waiting}
    return replace(
        picture,
        rev=f"{picture.rev}-{len(draft.failing)}-{len(draft.waiting)}",
        nodes=tuple(map(told, picture.nodes)),
        edges=tuple(replace(e, label="") if e.source in missing else e for e in picture.edges),
    )
