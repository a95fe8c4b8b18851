"""A node as an exporter's rule reads it: an attribute that the rule does not know is noticed.

Attributes that a rule need not read are said by operator. Here stand those of all exporters: draws
are other ones elsewhere, positions are not checked there, and the number type of a new array is
that of the result. In each exporter stand those that its rules take from the shape of the result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from graphflow.ir.graph import Attr, Node
from graphflow.ir.types import TensorType
from graphflow.ops.op import OPS

UNREAD: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("uniform", "normal", "truncated_normal", "bernoulli"), ("stream", "dtype")),
    **dict.fromkeys(("randint", "categorical", "permutation", "rng_split"), ("stream",)),
    **dict.fromkeys(("full", "zeros", "ones", "eye", "arange", "linspace"), ("dtype",)),
    **dict.fromkeys(
        ("take", "scatter_add", "take_along_axis", "scatter_add_along_axis"), ("negative",)
    ),
}
"""Attributes of operators that no exporter need read."""


class Attributes(Mapping[str, Attr]):
    """The attributes of a node, which remember that they were read."""

    def __init__(self, node: Node, implied: Collection[str] = ()) -> None:
        self._op, self._values = node.op, node.attributes()
        self._read = {*implied, *UNREAD.get(node.op, ())}

    def __getitem__(self, name: str) -> Attr:
        self._read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def ignored(self) -> list[str]:
        """Attributes that say something and that nobody has read."""
        known = OPS[self._op].attributes
        return [
            name for name, value in self._values.items()
            if name not in self._read and value != known[name].default
        ]  # fmt: skip


class Watched:
    """A node whose attributes are watched; ``implied`` are those that its result's type says."""

    def __init__(self, node: Node, implied: Collection[str] = ()) -> None:
        self.op, self.name, self.type = node.op, node.name, node.type
        self._attrs = Attributes(node, implied)

    @property
    def tensor(self) -> TensorType:
        """The type of a node that has a single result."""
        assert isinstance(self.type, TensorType)
        return self.type

    def attr(self, name: str) -> Attr:
        """One attribute; None where the operator has none of that name."""
        return self._attrs.get(name)

    def ignored(self) -> list[str]:
        """Attributes that say something and that nobody has read."""
        return self._attrs.ignored()
