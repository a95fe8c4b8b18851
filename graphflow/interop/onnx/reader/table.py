"""The table of operators: which function translates which ONNX operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from graphflow.interop.onnx.reader.items import Item
from graphflow.interop.rules import registering

if TYPE_CHECKING:
    from graphflow.interop.onnx.reader.call import Call


class Declined(Exception):
    """Raised by a mapping that leaves a call to the operator's own definition by others."""


@dataclass(frozen=True)
class Unpack:
    """A call whose results are unpacked into the outputs of the ONNX node."""

    expression: str


Result: TypeAlias = str | Item | None
Results: TypeAlias = Result | Unpack | Sequence[Result]
Mapping: TypeAlias = Callable[["Call"], Results]

TABLE: dict[str, Mapping] = {}

maps = registering(TABLE)
"""Registers what translates ONNX operators, named as ``Add`` or ``ai.onnx.ml.X``.

The function gives an expression of our language (for the first output), an item, or one of either
for each output.
"""
