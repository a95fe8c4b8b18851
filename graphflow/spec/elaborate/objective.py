"""One player of a training as data: what it lowers, the groups it changes, by which optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphflow.ir.graph import Graph
from graphflow.spec.document import BlockDecl
from graphflow.spec.elaborate.averaging import Average
from graphflow.spec.elaborate.scaling import RateScale
from graphflow.spec.syntax import Call, Expr

EACH = ("parameter", "gradient")
JOINT = ("parameters", "gradients", "loss", "hessian", "objective")
MEASURED = frozenset({"hessian", "objective"})
"""What is made from the loss itself, not from a clipped gradient."""
OF_A_BATCH = MEASURED | {"loss"}
"""What there is of one batch alone, not of several whose gradients are added up."""


@dataclass(frozen=True)
class Group:
    """Parameters that one optimizer call updates."""

    params: tuple[str, ...]
    optimizer: Call
    frozen: Expr | None = None
    """While this holds, they stay."""


@dataclass(frozen=True)
class Objective:
    """One player: the scalar it lowers and the parameters it may change."""

    name: str
    loss: str
    groups: tuple[Group, ...]
    clip_norm: Expr | None = None
    clip_value: Expr | None = None
    clip_first: str = "value"
    accumulate: int = 1
    """Batches whose mean gradient makes one update."""
    average: Average | None = None
    scale: RateScale | None = None
    """What the rates of all groups are multiplied by."""

    @property
    def params(self) -> tuple[str, ...]:
        """All parameters this player changes."""
        return tuple(name for group in self.groups for name in group.params)


@dataclass(frozen=True)
class OptimizerUpdates:
    """What an optimizer adds to a step: new values by leaf, its own states and their first values.

    ``initial`` has one output for each of ``states``.
    """

    updates: Mapping[str, str]
    states: tuple[str, ...]
    initial: Graph


def is_optimizer(block: BlockDecl) -> bool:
    """Whether a block updates what training hands it."""
    first = block.inputs[0] if block.inputs else None
    offered = EACH if first == EACH[0] else JOINT
    return first == offered[0] and first in block.updates and set(block.inputs) <= set(offered)
