"""Where in the forward graph a step is seen."""

from __future__ import annotations

from graphflow.ir.graph import Graph
from graphflow.view.recording.turn import Turn, Within
from graphflow.view.steps import drawn_id


class Places:
    """The places of the steps of one turn."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    def of(
        self, graph: Graph, node: str, within: Within
    ) -> tuple[str, tuple[str, str] | None, tuple[str, ...]]:
        """Place, edge and block of a node's run."""
        origin = graph.origin(node)
        if origin.phase != "backward" or origin.twin is None:
            return drawn_id(node, within), None, ()
        twin = drawn_id(origin.twin, within)
        if origin.wrt is None:
            return twin, None, ()
        operand = drawn_id(origin.wrt, within)
        return operand, (operand, twin), ()
