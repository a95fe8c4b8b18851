"""What a backend is: a register that turns nodes into kernels bound to arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from graphflow.ir.graph import Node
from graphflow.ops.narrow import is_narrow
from graphflow.ops.op import Array, Namespace

Operand = Array | tuple[Array, ...]
Kernel = Callable[[], object]
"""Computes one node: reads and writes the arrays it was bound to. What it returns is ignored."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A kernel that was chosen for a node; ``by`` says what computes it, and if there was a choice,
    why.
    """

    run: Kernel
    by: str


@dataclass(frozen=True, slots=True)
class Hosted:
    """A kernel in which the host takes part: a device cannot repeat it by itself."""

    run: Kernel

    def __call__(self) -> object:
        return self.run()


Factory = Callable[[Node, tuple[Array, ...], tuple[Operand, ...]], Kernel | Bound | None]
"""Binds a node to the arrays of its results and operands; None where it cannot do these."""
Portable = Callable[[Node, tuple[Array, ...], tuple[Operand, ...]], Kernel]
"""Binds any node at all."""
Supports = Callable[[Node], bool]
Joins = Callable[[Sequence[Kernel]], list[Kernel]]
Copies = Callable[[Array, Array], Kernel]


@dataclass(frozen=True, slots=True)
class _Rule:
    make: Factory
    supports: Supports


def always(node: Node) -> bool:
    """Every node of the operator."""
    return True


class Backend:
    """Kernels by operator. The rule registered last is asked first; ``rest``, another backend or
    what binds any node, takes what is left.

    The contract of a kernel: ``out`` is overwritten entirely. For elementwise operators, ``out``
    may be the very memory of operands of its own shape and number type; otherwise it overlaps no
    operand. Operands may have any strides; ``out`` is laid out row by row, or, where the kernel set
    has chosen one for the node, in another order of its axes. Rules are asked about bfloat16 only
    with ``narrow``: else ``rest`` in the end computes with it in float32.
    """

    def __init__(
        self,
        name: str,
        rest: Backend | Portable,
        rules: Mapping[str, Factory] | None = None,
        *,
        joined: Joins | None = None,
        copy: Copies | None = None,
        xp: Namespace = np,
        narrow: bool = False,
    ) -> None:
        self.name, self.xp, self._narrow = name, xp, narrow
        self._rest = rest
        below = rest if isinstance(rest, Backend) else None
        self.joined: Joins = joined or (below.joined if below else list)
        """Kernels that run one after the other as fewer that do the same."""
        self.copy: Copies = copy or (below.copy if below else partial(partial, xp.copyto))
        """What copies the second of two arrays of one shape and number type into the first."""
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

    def bound(self, node: Node, out: tuple[Array, ...], inputs: Sequence[Operand]) -> Bound:
        """The node bound to the arrays of its results and operands."""
        operands = tuple(inputs)
        barred = not self._narrow and any(map(is_narrow, (*out, *operands)))
        for rule in () if barred else reversed(self._rules.get(node.op, ())):
            if rule.supports(node):
                made = rule.make(node, out, operands)
                if made is not None:
                    return made if isinstance(made, Bound) else Bound(made, self.name)
        if isinstance(self._rest, Backend):
            return self._rest.bound(node, out, operands)
        return Bound(self._rest(node, out, operands), f"{self.name}, portable")

    def kernel(self, node: Node, out: tuple[Array, ...], inputs: Sequence[Operand]) -> Kernel:
        """What computes the node, alone."""
        return self.bound(node, out, inputs).run
