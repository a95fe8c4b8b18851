"""A node as an exporter's rule reads it: an attribute that the rule does not know is noticed."""

from __future__ import annotations

from graphflow.ir.graph import Attr, Node
from graphflow.ir.types import TensorType
from graphflow.ops.op import OPS


class Watched:
    """A node that remembers which of its attributes were read."""

    def __init__(self, node: Node) -> None:
        self.op, self.name, self.type = node.op, node.name, node.type
        self._attrs, self._read = node.attributes(), {"stream", "negative"}

    @property
    def tensor(self) -> TensorType:
        """The type of a node that has a single result."""
        assert isinstance(self.type, TensorType)
        self._read.add("dtype")
        return self.type

    def attr(self, name: str) -> Attr:
        """One attribute; None where the operator has none of that name."""
        self._read.add(name)
        return self._attrs.get(name)

    def ignored(self) -> list[str]:
        """Attributes that say something and that nobody has read."""
        known = OPS[self.op].attributes
        return [
            name for name, value in self._attrs.items()
            if name not in self._read and value != known[name].default
        ]  # fmt: skip
