"""The one table from primitives to the functions that write them, filled family by family."""

from __future__ import annotations

from graphflow.interop.onnx.writer.emitter import Table
from graphflow.interop.rules import registering

TABLE: Table = {}


writes = registering(TABLE)
"""Decorator: the function writes the primitives of these names."""


def plain(kinds: dict[str, str]) -> None:
    """Primitives that are one operator of ONNX with the same operands and no attributes."""
    for name, kind in kinds.items():
        writes(name)(lambda c, kind=kind: c.op(kind, *c.inputs))  # type: ignore[misc]
