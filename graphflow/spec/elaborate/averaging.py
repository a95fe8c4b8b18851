"""Averages of weights as nodes: a block over each parameter and its average.

The average of ``net.weight`` is the state ``optimizer.averages.net.weight``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphflow.diagnostics import fail
from graphflow.ops.builder import Value
from graphflow.spec.averaging import AverageDecl
from graphflow.spec.document import BlockDecl
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.leaves import Initial, Leaf
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.updating import append_block, seeing_step
from graphflow.spec.syntax import Call, Number

AVERAGES = "averages"
OFFERED = ("average", "parameter")


@dataclass(frozen=True)
class Average:
    """How a player's parameters are averaged: after each ``"step"`` or each ``"epoch"``, and
    whether with the running statistics that its steps change.
    """

    call: Call
    every: str
    use_buffers: bool


def is_average(block: BlockDecl) -> bool:
    """Whether a block updates an average."""
    first = OFFERED[0]
    return (
        block.inputs[:1] == (first,)
        and first in block.updates
        and set(block.inputs) <= set(OFFERED)
    )


def average(elaborator: Elaborator, decl: AverageDecl | None, scope: Scope) -> Average | None:
    """The setting, resolved."""
    if decl is None:
        return None
    known = [n for n, b in elaborator.library.blocks.items() if is_average(b)]
    help = f"one of {', '.join(sorted(known))}, as a call: ema(decay=0.999)"
    if not isinstance(decl.call, Call):
        fail("GF042", "an average is a call", decl.call.mark, help=help)
    function = elaborator.function(decl.call.function, scope)
    if function is None:
        elaborator.unknown_function(decl.call, scope)
    if function.block is None or not is_average(function.block):
        fail("GF042", f"'{decl.call.function}' is no average of weights", decl.call.mark,
             help=help)  # fmt: skip
    return Average(decl.call, decl.every, decl.use_buffers)


def append_averages(
    elaborator: Elaborator, chosen: Average, values: Mapping[str, Value], prefix: str
) -> None:
    """Append the averages of leaves, whose values are ``values``, below the path ``prefix``."""
    function = elaborator.function(chosen.call.function, elaborator.scope)
    assert function is not None and function.block is not None
    place = Place(f"{prefix}.{AVERAGES}")
    arguments = elaborator.arguments(chosen.call, seeing_step(elaborator), Slot(place, True))
    for name, value in values.items():
        path = f"{place.path}.{name}"
        zero = Initial(Number(0, chosen.call.mark), elaborator.scope, "in_out")
        kept = elaborator.make_leaf("state", Leaf(path, value.tensor, zero, chosen.call.mark))
        offered = dict(zip(OFFERED, (kept, value), strict=True))
        given = [offered[i] for i in function.block.inputs]
        append_block(elaborator, function, given, arguments, path)
