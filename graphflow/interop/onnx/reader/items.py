"""What a name of an ONNX graph can stand for while the graph is translated."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphflow.ir.types import DType
from graphflow.ops.op import Array
from graphflow.spec.elaborate.scope import Scope


@dataclass(frozen=True, eq=False)
class Line:
    """A line of the document: a tensor that is known when the model runs."""

    name: str


@dataclass(eq=False)
class Known:
    """An array that is known while the model is translated; its entries may be sizes.

    ``array`` has the dtype object where it holds symbols. ``name`` is the line that holds it, once
    something needs it as a tensor, and ``home`` the scope of that line.
    """

    array: Array
    dtype: DType
    hint: str = "c"
    name: str | None = None
    home: Scope | None = None

    @property
    def symbolic(self) -> bool:
        """Whether it holds sizes that are not numbers yet."""
        return self.array.dtype == object


@dataclass(eq=False)
class Weight(Known):
    """An array of float numbers that training may change: it is never folded."""

    trainable: bool = True


@dataclass(frozen=True, eq=False)
class Sequence:
    """A list of values whose length is known."""

    items: tuple[Item, ...] = field(default_factory=tuple)


@dataclass(frozen=True, eq=False)
class Absent:
    """An optional value that holds nothing."""


Item = Line | Known | Sequence | Absent
