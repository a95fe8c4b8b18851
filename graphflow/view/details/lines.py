"""From nodes to lines of the file, and back."""

from __future__ import annotations

from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.ir.graph import LEAVES, Graph
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.turn import Turn


def line_of(recording: Recording, node: str) -> Mark | None:
    """The place in the file that a node comes from: the line that calls it, where it is inside a
    block. None for what no line says. Raises GF020 for a name that is not there.

    >>> from graphflow.view.study import Study
    >>> from graphflow.view.workspace import Workspace
    >>> recording = Study(Workspace(graph="xyz")).recording
    >>> line_of(recording, "q").text.strip(), line_of(recording, "q.grad").text.strip()
    ('q: x + y', 'f: q * z')
    """
    known: list[str] = []
    for graph in _graphs(recording):
        if node in graph:
            return graph.origin(graph.resolve(node)).mark
        known += graph.nodes
    fail("GF020", f"no node is called '{node}'", help=did_you_mean(node, known))


def nodes_at(recording: Recording, line: int, file: str = "") -> tuple[str, ...]:
    """The nodes of the forward graph that a line makes, in their order, leaves included. ``file``
    is that of the first line that makes a node, if it is left out.

    >>> from graphflow.view.study import Study
    >>> from graphflow.view.workspace import Workspace
    >>> recording = Study(Workspace(graph="xyz")).recording
    >>> nodes_at(recording, line_of(recording, "f").line)
    ('f',)
    """
    graphs = list(_graphs(recording))
    file = file or main_file(recording)
    found: dict[str, None] = {}
    for graph in graphs:
        for node in graph:
            origin = graph.origin(node.name)
            here = origin.mark is not None and (origin.mark.file, origin.mark.line) == (file, line)
            if here and origin.phase == "forward" and node.op != "constant":
                found[node.name] = None
    return tuple(found)


def main_file(recording: Recording) -> str:
    """The file whose leaves or lines come first."""
    for graph in _graphs(recording):
        named = [n for n in graph if n.op in LEAVES] + list(graph)
        marks = (graph.origin(node.name).mark for node in named)
        return next((mark.file for mark in marks if mark is not None), "")
    return ""


def _graphs(recording: Recording) -> list[Graph]:
    """The graphs of all turns, and of the loops walked inside at their first time step."""
    return [graph for turn in recording.turns for graph in _of_turn(turn)]


def _of_turn(turn: Turn) -> list[Graph]:
    seen: dict[int, Graph] = {}
    for scope in turn.scopes.values():
        seen.setdefault(id(scope.graph), scope.graph)
    return list(seen.values())
