"""The table of operators: which function translates which ONNX operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from graphflow.interop.onnx.reader.items import Item

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


def maps(*names: str) -> Callable[[Mapping], Mapping]:
    """Register what translates the ONNX operators ``names``, as ``Add`` or ``ai.onnx.ml.X``.

    The function gives an expression of our language (for the first output), an item, or one of
    either for each output.
    """

    def register(mapping: Mapping) -> Mapping:
        for name in names:
            if name in TABLE:
                raise ValueError(f"'{name}' is mapped twice")
            TABLE[name] = mapping
        return mapping

    return register
