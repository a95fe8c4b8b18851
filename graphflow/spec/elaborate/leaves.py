"""Parameters and states as a file declares them."""

from __future__ import annotations

from dataclasses import dataclass

from graphflow.diagnostics import Mark
from graphflow.ir.types import TensorType
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.syntax import Expr


@dataclass(frozen=True)
class Initial:
    """How a parameter or state starts: the expression and where its names are looked up."""

    expr: Expr
    scope: Scope
    layout: str
    """``"out_in"`` for layers (PyTorch's layout), ``"in_out"`` for raw matrices."""


@dataclass(frozen=True)
class Leaf:
    """A parameter or a state: its type, its start, and what training does with it."""

    name: str
    type: TensorType
    initial: Initial
    mark: Mark | None
    trainable: bool = True
    reset: str | None = None
    weights: str | None = None
    """A file that holds the first value of a parameter."""
