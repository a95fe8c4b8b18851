"""What a backend is: a register that turns nodes into kernels bound to arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from graphflow.ir.graph import Node
from graphflow.ops.op import Array

Operand = Array | tuple[Array, ...]
Kernel = Callable[[], object]
"""Computes one node: reads and writes the arrays it was bound to. What it returns is ignored."""
Factory = Callable[[Node, tuple[Array, ...], tuple[Operand, ...]], Kernel | None]
"""Binds a node to the arrays of its results and operands; None where it cannot do these."""
Portable = Callable[[Node, tuple[Array, ...], tuple[Operand, ...]], Kernel]
"""Binds any node at all."""
Supports = Callable[[Node], bool]


@dataclass(frozen=True, slots=True)
class _Rule:
    make: Factory
    supports: Supports


def always(node: Node) -> bool:
    """Every node of the operator."""
    return True


class Backend:
    """Kernels by operator. The rule registered last is asked first; ``portable`` takes the rest.

    The contract of a kernel: ``out`` is overwritten entirely. For elementwise operators, ``out``
    may be the very memory of operands of its own shape and number type; otherwise it overlaps no
    operand. Operands may have any strides; ``out`` is laid out row by row, or, where the kernel set
    has chosen one for the node, in another order of its axes.
    """

    def __init__(
        self, name: str, portable: Portable, rules: Mapping[str, Factory] | None = None
    ) -> None:
        self.name = name
        self._portable = portable
        self._rules: dict[str, list[_Rule]] = {}
        for op, make in (rules or {}).items():
            self.register(op)(make)

    def register(self, *ops: str, supports: Supports = always) -> Callable[[Factory], Factory]:
        """Decorator: bind nodes of these operators by the decorated factory, where supported."""

        def add(make: Factory) -> Factory:
            for op in ops:
                self._rules.setdefault(op, []).append(_Rule(make, supports))
            return make

        return add

    def kernel(self, node: Node, out: tuple[Array, ...], inputs: Sequence[Operand]) -> Kernel:
        """The node bound to the arrays of its results and operands."""
        operands = tuple(inputs)
        for rule in reversed(self._rules.get(node.op, ())):
            if rule.supports(node):
                kernel = rule.make(node, out, operands)
                if kernel is not None:
                    return kernel
        return self._portable(node, out, operands)
