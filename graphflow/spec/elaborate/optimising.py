"""Optimizers as nodes: update blocks over each parameter, or over all of a group as one vector.

A block over ``parameter`` and ``gradient`` is built once for each parameter. One over
``parameters`` sees the parameters of its group, and their ``gradients``, joined to one vector. It
may also ask for the ``loss``, for the ``hessian`` (n, n) of the loss, and for the loss as a
function: ``value, slope: objective(point)`` is the loss and its gradient at another point, on the
same batch and with the same random draws.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial

from graphflow.diagnostics import GraphflowError, fail
from graphflow.ir.dims import Symbolic, symbols
from graphflow.ir.types import DType, TensorType, type_symbols
from graphflow.ops.builder import Builder, Value
from graphflow.spec.elaborate.averaging import append_averages
from graphflow.spec.elaborate.binding import Arguments
from graphflow.spec.elaborate.bound import Bound, Function
from graphflow.spec.elaborate.clipping import clipped
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.freezing import held, rests, unfrozen
from graphflow.spec.elaborate.grouping import block_of
from graphflow.spec.elaborate.joint import joined
from graphflow.spec.elaborate.metrics import epoch_metric
from graphflow.spec.elaborate.objective import (
    EACH,
    JOINT,
    MEASURED,
    OF_A_BATCH,
    Group,
    Objective,
    OptimizerUpdates,
)
from graphflow.spec.elaborate.places import Place, Slot
from graphflow.spec.elaborate.rates import scaled
from graphflow.spec.elaborate.session import COUNTERS, READER
from graphflow.spec.elaborate.updating import append_block, seeing_step


def sizes_read(builder: Builder, names: Iterable[str]) -> set[str]:
    """The open sizes that nodes have for a value: ``B`` in ``lr=0.1 / B``."""
    values = (builder.nodes[n].attributes().get("value") for n in names)
    return {s for value in values if isinstance(value, Symbolic) for s in symbols(value)}


def rehearse(elaborator: Elaborator, objective: Objective) -> None:
    """Build each optimizer once: what is wrong with it is said when the file is read."""
    builder = elaborator.root.builder
    tried = replace(objective, groups=tuple(_tried(elaborator, g) for g in objective.groups))
    fed = {leaf.name for leaf in builder.graph().leaves("input")}
    gradients = {n: builder.input(f"{n}.grad", elaborator.leaves[n].type) for n in tried.params}
    count = TensorType(DType.FLOAT)
    context: dict[str, Bound] = {name: builder.input(name, count) for name in COUNTERS}
    added = optimizer_updates(elaborator, tried, gradients, context, "optimizer")
    values = {name: builder.value(name) for name in tried.params[:1]}
    average_updates(elaborator, tried, values, context, "optimizer")
    needed = builder.graph().needed_for(added.updates.values())
    read = fed & needed | sizes_read(builder, needed) - _sizes_of(elaborator, objective)
    if read and objective.accumulate > 1:
        fail(
            "GF042",
            f"the optimizer reads '{min(read)}' of a batch, and accumulate adds up several",
            objective.groups[0].optimizer.mark,
            help="leave out accumulate, or let the optimizer's arguments not depend on it",
        )


def _sizes_of(elaborator: Elaborator, objective: Objective) -> set[str]:
    """The open sizes that the parameters have."""
    return {s for name in objective.params for s in type_symbols(elaborator.leaves[name].type)}


def _tried(elaborator: Elaborator, group: Group) -> Group:
    """What of a group shows a wrong optimizer: one parameter, or all where they are a vector."""
    block = block_of(elaborator, group.optimizer, elaborator.scope)
    return group if JOINT[0] in block.inputs else replace(group, params=group.params[:1])


def optimizer_updates(
    elaborator: Elaborator,
    objective: Objective,
    gradients: Mapping[str, Value],
    context: Mapping[str, Bound],
    prefix: str,
) -> OptimizerUpdates:
    """Append the optimizers of all groups of ``objective``, below the path ``prefix``."""
    known = set(elaborator.leaves)
    reader = Function(READER, compute=lambda arguments, slot: epoch_metric(elaborator, arguments))
    with elaborator.at(prefix, context={**context, READER: reader}, phase="update"):
        elaborator.attempt(lambda: _all_groups(elaborator, objective, gradients, prefix))
    return _appended(elaborator, known)


def _all_groups(
    elaborator: Elaborator, objective: Objective, gradients: Mapping[str, Value], prefix: str
) -> None:
    """Append clipping, then the optimizers group by group."""
    paths = [f"{prefix}.group{index}" for index in range(len(objective.groups))]
    resting = [
        None if group.frozen is None else rests(elaborator, group.frozen, path)
        for group, path in zip(objective.groups, paths, strict=True)
    ]
    given = unfrozen(gradients, objective.groups, resting)
    limited = clipped(elaborator, objective, given, prefix)
    for group, path, rest in zip(objective.groups, paths, resting, strict=True):
        append = partial(_group_updates, elaborator, objective, group, limited, prefix, rest, path)
        elaborator.attempt(append)


def average_updates(
    elaborator: Elaborator,
    objective: Objective,
    values: Mapping[str, Value],
    context: Mapping[str, Bound],
    prefix: str,
) -> OptimizerUpdates:
    """Append the averages of leaves, which are ``values`` by now, below the path ``prefix``."""
    known, chosen = set(elaborator.leaves), objective.average
    if chosen is not None:
        with elaborator.at(prefix, context=context, phase="update"):
            elaborator.attempt(lambda: append_averages(elaborator, chosen, values, prefix))
    return _appended(elaborator, known)


def _appended(elaborator: Elaborator, known: Collection[str]) -> OptimizerUpdates:
    """What was appended since the leaves ``known`` were all there are."""
    own = [leaf for name, leaf in elaborator.leaves.items() if name not in known]
    initial = elaborator.initial_graph({}, own)
    if elaborator.errors:
        raise GraphflowError(*elaborator.errors)
    updates = {name: value.name for name, value in elaborator.updates.items()}
    return OptimizerUpdates(updates, tuple(leaf.name for leaf in own), initial)


def _group_updates(
    elaborator: Elaborator,
    objective: Objective,
    group: Group,
    gradients: Mapping[str, Value],
    prefix: str,
    rest: Value | None,
    path: str,
) -> None:
    """Append the blocks of one group; the arguments of its call are evaluated once."""
    slot = Slot(Place(prefix), True)
    call = scaled(elaborator, group.optimizer, objective.scale)
    arguments = elaborator.arguments(call, seeing_step(elaborator), slot)
    append = partial(_group_blocks, elaborator, objective, group, gradients, prefix, arguments)
    if rest is None:
        append()
    else:
        held(elaborator, rest, path, append)


def _group_blocks(
    elaborator: Elaborator,
    objective: Objective,
    group: Group,
    gradients: Mapping[str, Value],
    prefix: str,
    arguments: Arguments,
) -> None:
    """The block of a group for each of its parameters, or for all of them as one vector."""
    function = elaborator.function(group.optimizer.function, elaborator.scope)
    assert function is not None and function.block is not None
    inputs = function.block.inputs
    if inputs[0] == EACH[0]:
        for name in group.params:
            given = {EACH[0]: elaborator.root.builder.value(name), EACH[1]: gradients[name]}
            chosen, path = [given[i] for i in inputs], f"{prefix}.{name}"
            append_block(elaborator, function, chosen, arguments, path)
        return
    clip = objective.clip_norm or objective.clip_value
    if clip is not None and not MEASURED.isdisjoint(inputs):
        fail(
            "GF042",
            f"'{function.name}' measures the loss itself and takes no clipped gradient",
            group.optimizer.mark,
            help="leave out clip_norm and clip_value",
        )
    if objective.accumulate > 1 and not OF_A_BATCH.isdisjoint(inputs):
        fail(
            "GF042",
            f"'{function.name}' measures the loss of a batch, and accumulate adds up several",
            group.optimizer.mark,
            help="leave out accumulate, and let data.batch be larger",
        )
    at = f"{prefix}.{group.optimizer.function}{objective.groups.index(group) or ''}"
    offered = joined(elaborator, objective, group, gradients, inputs, at)
    append_block(elaborator, function, [offered[i] for i in inputs], arguments, at)
