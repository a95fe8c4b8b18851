"""The verifier as the passes use it: with the operators' own type rules, when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import ValueType
from graphflow.ir.verify import InvalidGraph, verify
from graphflow.ops.op import get_op

VARIABLE = "GRAPHFLOW_VERIFY"


def inferred(node: Node, types: Sequence[ValueType]) -> ValueType:
    """The type that a node's operator gives to operands of these types."""
    return get_op(node.op).infer(*types, **node.attributes())


def verified(graph: Graph, after: str) -> Graph:
    """``graph``, which is checked first where ``GRAPHFLOW_VERIFY`` is 1. ``after`` names a pass."""
    if os.environ.get(VARIABLE, "0") == "1":
        try:
            verify(graph, infer=inferred)
        except InvalidGraph as error:
            raise InvalidGraph(f"after {after}: {error.where}", error.rule) from error
    return graph
