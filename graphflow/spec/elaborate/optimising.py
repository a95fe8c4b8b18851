"""Optimizers as nodes: update blocks over each parameter, or over all of a group as one vector.

A block over ``parameter`` and ``gradient`` is built once for each parameter. One over
``parameters`` sees the parameters of its group, and their ``gradients``, joined to one vector. It
may also ask for the ``loss``, for the ``hessian`` (n, n) of the loss, and for the loss as a
function: ``value, slope: objective(point)`` is the loss and its gradient at another point, on the
same batch and with the same random draws.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

from graphflow.diagnostics import GraphflowError, Mark, fail
from graphflow.ir.dims import Dim, Symbolic, symbols
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, TensorType, type_symbols
from graphflow.ops.builder import Builder, Value
from graphflow.spec.document import BlockDecl
from graphflow.spec.elaborate.averaging import Average, append_averages
from graphflow.spec.elaborate.binding import Arguments, bind
from graphflow.spec.elaborate.bound import Bound, Function
from graphflow.spec.elaborate.clipping import clipped
from graphflow.spec.elaborate.freezing import held, rests, unfrozen
from graphflow.spec.elaborate.initial import Initials
from graphflow.spec.elaborate.metrics import READER, epoch_metric
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.session import COUNTERS, Place, Slot
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


def sizes_read(builder: Builder, names: Iterable[str]) -> set[str]:
    """The open sizes that nodes have for a value: ``B`` in ``lr=0.1 / B``."""
    values = (builder.nodes[n].attributes().get("value") for n in names)
    return {s for value in values if isinstance(value, Symbolic) for s in symbols(value)}


def is_optimizer(block: BlockDecl) -> bool:
    """Whether a block updates what training hands it."""
    first = block.inputs[0] if block.inputs else None
    offered = EACH if first == EACH[0] else JOINT
    return first == offered[0] and first in block.updates and set(block.inputs) <= set(offered)


class Optimising(Initials):
    """Appends the updates of an objective, once its gradients are there."""

    vectors: Mapping[str, Sequence[str]] = {}
    """The parameters that a joined vector is made of."""

    def rehearse(self, objective: Objective) -> None:
        """Build each optimizer once: what is wrong with it is said when the file is read."""
        builder = self.root.builder
        groups = [
            g if JOINT[0] in self.optimizer_block(g).inputs else replace(g, params=g.params[:1])
            for g in objective.groups
        ]
        tried = replace(objective, groups=tuple(groups))
        fed = {leaf.name for leaf in builder.graph().leaves("input")}
        gradients = {n: builder.input(f"{n}.grad", self.leaves[n].type) for n in tried.params}
        count = TensorType(DType.FLOAT)
        context: dict[str, Bound] = {name: builder.input(name, count) for name in COUNTERS}
        added = self.optimizer_updates(tried, gradients, context, "optimizer")
        values = {name: builder.value(name) for name in tried.params[:1]}
        self.average_updates(tried, values, context, "optimizer")
        needed = builder.graph().needed_for(added.updates.values())
        read = fed & needed | sizes_read(builder, needed) - self.sizes_of(objective)
        if read and objective.accumulate > 1:
            fail(
                "GF042",
                f"the optimizer reads '{min(read)}' of a batch, and accumulate adds up several",
                objective.groups[0].optimizer.mark,
                help="leave out accumulate, or let the optimizer's arguments not depend on it",
            )

    def sizes_of(self, objective: Objective) -> set[str]:
        """The open sizes that the parameters have."""
        return {s for name in objective.params for s in type_symbols(self.leaves[name].type)}

    def optimizer_block(self, group: Group) -> BlockDecl:
        """The block that updates the parameters of a group."""
        function = self.function(group.optimizer.function, self.scope)
        assert function is not None and function.block is not None
        return function.block

    def optimizer_updates(
        self,
        objective: Objective,
        gradients: Mapping[str, Value],
        context: Mapping[str, Bound],
        prefix: str,
    ) -> OptimizerUpdates:
        """Append the optimizers of all groups of ``objective``, below the path ``prefix``."""
        known = set(self.leaves)
        reader = Function(READER, compute=lambda arguments, slot: epoch_metric(self, arguments))
        with self.at(prefix, context={**context, READER: reader}, phase="update"):
            self.attempt(lambda: self.all_groups(objective, gradients, prefix))
        return self.added(known)

    def all_groups(
        self, objective: Objective, gradients: Mapping[str, Value], prefix: str
    ) -> None:
        """Append clipping, then the optimizers group by group."""
        paths = [f"{prefix}.group{index}" for index in range(len(objective.groups))]
        resting = [
            None if group.frozen is None else rests(self, group.frozen, path)
            for group, path in zip(objective.groups, paths, strict=True)
        ]
        given = unfrozen(gradients, objective.groups, resting)
        limited = clipped(self, objective, given, prefix)
        for group, path, rest in zip(objective.groups, paths, resting, strict=True):
            self.attempt(partial(self.group_updates, objective, group, limited, prefix, rest, path))

    def average_updates(
        self,
        objective: Objective,
        values: Mapping[str, Value],
        context: Mapping[str, Bound],
        prefix: str,
    ) -> OptimizerUpdates:
        """Append the averages of leaves, which are ``values`` by now, below the path ``prefix``."""
        known, chosen = set(self.leaves), objective.average
        if chosen is not None:
            with self.at(prefix, context=context, phase="update"):
                self.attempt(lambda: append_averages(self, chosen, values, prefix))
        return self.added(known)

    def added(self, known: Collection[str]) -> OptimizerUpdates:
        """What was appended since the leaves ``known`` were all there are."""
        own = [leaf for name, leaf in self.leaves.items() if name not in known]
        initial = self.initial_graph({}, own)
        if self.errors:
            raise GraphflowError(*self.errors)
        updates = {name: value.name for name, value in self.updates.items()}
        return OptimizerUpdates(updates, tuple(leaf.name for leaf in own), initial)

    def group_updates(
        self,
        objective: Objective,
        group: Group,
        gradients: Mapping[str, Value],
        prefix: str,
        rest: Value | None,
        path: str,
    ) -> None:
        """Append the blocks of one group; the arguments of its call are evaluated once."""
        slot = Slot(Place(prefix), True)
        arguments = self.arguments(group.optimizer, self.seeing_step(), slot)
        append = partial(self.group_blocks, objective, group, gradients, prefix, arguments)
        if rest is None:
            append()
        else:
            held(self, rest, path, append)

    def group_blocks(
        self,
        objective: Objective,
        group: Group,
        gradients: Mapping[str, Value],
        prefix: str,
        arguments: Arguments,
    ) -> None:
        """The block of a group for each of its parameters, or for all of them as one vector."""
        function = self.function(group.optimizer.function, self.scope)
        assert function is not None and function.block is not None
        inputs = function.block.inputs
        if inputs[0] == EACH[0]:
            for name in group.params:
                given = {EACH[0]: self.root.builder.value(name), EACH[1]: gradients[name]}
                self.update(function, [given[i] for i in inputs], arguments, f"{prefix}.{name}")
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
        offered = self.joined(objective, group, gradients, inputs, at)
        self.update(function, [offered[i] for i in inputs], arguments, at)

    def unknown_function(self, call: Call, scope: Scope) -> NoReturn:
        """Refuse a call of something that is no function, or that only training offers."""
        if call.function == READER:
            caller, mark = self.known_call() if self.calls else (None, call.mark)
            what = f"'{caller.name}'" if caller else f"'{READER}'"
            fail("GF042", f"{what} reads what an epoch measured, which training alone knows", mark,
                 help="write it under train: as a rate, such as optimizer: "
                 "sgd(lr=reduce_lr_on_plateau(0.1, 'test/loss'))")  # fmt: skip
        super().unknown_function(call, scope)

    def update(
        self, function: Function, given: Sequence[Bound], arguments: Arguments, path: str
    ) -> None:
        """One block of updates, called with what training gives and the file's arguments."""
        marks: dict[str | int, Mark] = {
            k: m for k, m in arguments.marks.items() if isinstance(k, str)
        }
        positional = [*given, *arguments.positional]
        with self.at(path):
            call = Arguments(positional, arguments.keywords, marks, arguments.mark)
            self.instantiate(function, call, Place(path))

    def seeing_step(self) -> Scope:
        """The file's names, and the step and the epoch."""
        scope = Scope(self.scope)
        scope.names.update(self.context)
        return scope

    # -- all parameters as one vector --------------------------------------------------------
    def joined(
        self,
        objective: Objective,
        group: Group,
        gradients: Mapping[str, Value],
        wanted: Sequence[str],
        path: str,
    ) -> dict[str, Bound]:
        """What a joint block asks for, of the parameters of its group as one vector."""
        builder, mark = self.root.builder, group.optimizer.mark
        params = [builder.value(name) for name in group.params]
        vector = self.join(params, Place(f"{path}.parameters"), mark)
        slope = self.join([gradients[p.name] for p in params], Place(f"{path}.gradients"), mark)
        self.vectors = {**self.vectors, vector.name: group.params}
        loss = builder.value(objective.loss)
        offered: dict[str, Bound] = {"parameters": vector, "gradients": slope, "loss": loss}
        if "hessian" in wanted:
            offered["hessian"] = self.hessian(slope, params, Place(f"{path}.hessian"), mark)
        if "objective" in wanted:
            compute = partial(self.objective_at, loss, params)
            offered["objective"] = Function("objective", compute=compute)
        return offered

    def join(self, values: Sequence[Value], place: Place, mark: Mark) -> Value:
        """Values of any shapes, one after another, as one vector."""
        at = place if len(values) == 1 else place.child("flat")
        flat = [self.emit("reshape", [v], at, mark, shape=(v.size,)) for v in values]
        return flat[0] if len(flat) == 1 else self.emit("concat", flat, place, mark, axis=0)

    def pieces(self, vector: Value, like: Sequence[Value], place: Place, mark: Mark) -> list[Value]:
        """A vector taken apart into values of the shapes of ``like``."""
        found: list[Value] = []
        start: Dim = 0
        for value in like:
            stop = start + value.size
            bounds = (("slice", start, stop, None),)
            part = self.emit("slice", [vector], place.child("part"), mark, index=bounds)
            at = place.child(value.name)
            found.append(self.emit("reshape", [part], at, mark, shape=value.shape))
            start = stop
        return found

    def set_update(self, leaf: str, value: Value, mark: Mark) -> None:
        """The new value of a joined vector goes to the parameters it is made of."""
        if leaf not in self.vectors:
            super().set_update(leaf, value, mark)
            return
        vector = self.root.builder.value(leaf)
        if value.tensor != vector.tensor:
            fail("GF034", f"the parameters are {vector.type}, their update is {value.type}", mark)
        params = [self.root.builder.value(name) for name in self.vectors[leaf]]
        parts = self.pieces(value, params, Place(f"{value.name}.apart"), mark)
        for param, part in zip(params, parts, strict=True):
            super().set_update(param.name, part, mark)

    def hessian(self, slope: Value, params: Sequence[Value], place: Place, mark: Mark) -> Value:
        """The second derivatives of the loss: one row for each entry of its gradient."""
        blocks = []
        for param in params:
            rows = self.emit("jacobian", [slope, param], place.child(param.name), mark)
            shape: tuple[Dim, ...] = (slope.size, param.size)
            blocks.append(self.emit("reshape", [rows], place.child("rows"), mark, shape=shape))
        return self.emit("concat", blocks, place, mark, axis=1)

    def objective_at(
        self, loss: Value, params: Sequence[Value], arguments: Arguments, slot: Slot
    ) -> Bound:
        """``objective(point)``: the loss and its gradient where the parameters are ``point``.

        The nodes between parameters and loss are built again; everything else, the batch and the
        random draws among it, is what the step has already.
        """
        place, mark = slot.claim("objective"), arguments.mark
        given = bind("objective", ["point"], arguments)
        point = self.local(self.tensor(given.get("point"), mark, DType.FLOAT))
        length = sum((p.size for p in params[1:]), params[0].size)
        if point.shape != (length,):
            fail("GF030", f"a point is a vector of {length} numbers, not {point.type}", mark)
        parts = self.pieces(point, params, place, mark)
        moved = {param.name: part for param, part in zip(params, parts, strict=True)}
        source = loss.builder
        needed = source.graph().needed_for([loss.name])
        for name in [n for n in source.nodes if n in needed and n not in moved]:
            node = source.nodes[name]
            if moved.keys().isdisjoint(node.inputs):
                continue
            operands = [moved.get(i) or source.value(i) for i in node.inputs]
            at = place.child(name)
            moved[name] = self.emit(node.op, operands, at, mark, **node.attributes())
        value = moved.get(loss.name) or self.local(loss)
        found = self.emit("gradients", [value, *parts], place.child("of"), mark, zero=True)
        slopes = [
            self.emit("item", [found], place.child(f"{p.name}.slope"), mark, index=i)
            for i, p in enumerate(params)
        ]
        return value, self.join(slopes, place.child("slope"), mark)
