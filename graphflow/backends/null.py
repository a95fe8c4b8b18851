"""The backend that computes nothing: shapes and memory only, for tests of plans."""

from __future__ import annotations

from graphflow.backends.base import Backend, Kernel, Operand
from graphflow.ir.graph import Node
from graphflow.ops.op import Array


def _idle(node: Node, out: tuple[Array, ...], inputs: tuple[Operand, ...]) -> Kernel:
    return _nothing


def _nothing() -> None:
    """Leave the results as they are."""


NULL = Backend("null", _idle)
