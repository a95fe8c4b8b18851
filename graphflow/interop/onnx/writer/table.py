"""The one table from primitives to the functions that write them, filled family by family."""

from __future__ import annotations

from collections.abc import Callable

from graphflow.interop.onnx.writer.emitter import Emit, Table

TABLE: Table = {}


def writes(*names: str) -> Callable[[Emit], Emit]:
    """Decorator: the function writes the primitives called ``names``."""

    def enter(emit: Emit) -> Emit:
        for name in names:
            if name in TABLE:
                raise ValueError(f"'{name}' is written twice")
            TABLE[name] = emit
        return emit

    return enter


def plain(kinds: dict[str, str]) -> None:
    """Primitives that are one operator of ONNX with the same operands and no attributes."""
    for name, kind in kinds.items():
        writes(name)(lambda c, kind=kind: c.op(kind, *c.inputs))  # type: ignore[misc]
