"""All parameters of a group as one vector, for optimizers over ``parameters``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from graphflow.diagnostics import Mark, fail
from graphflow.ir.dims import Dim
from graphflow.ir.types import DType
from graphflow.ops.builder import Value
from graphflow.spec.elaborate.binding import Arguments, bind
from graphflow.spec.elaborate.bound import Bound, Function
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.objective import (
    Group,
    Objective,
)
from graphflow.spec.elaborate.places import Place, Slot


def joined(
    elaborator: Elaborator,
    objective: Objective,
    group: Group,
    gradients: Mapping[str, Value],
    wanted: Sequence[str],
    path: str,
) -> dict[str, Bound]:
    """What a joint block asks for, of the parameters of its group as one vector."""
    builder, mark = elaborator.root.builder, group.optimizer.mark
    params = [builder.value(name) for name in group.params]
    vector = _join(elaborator, params, Place(f"{path}.parameters"), mark)
    slope = _join(elaborator, [gradients[p.name] for p in params], Place(f"{path}.gradients"), mark)
    elaborator.vectors[vector.name] = partial(_set_pieces, elaborator, vector, params)
    loss = builder.value(objective.loss)
    offered: dict[str, Bound] = {"parameters": vector, "gradients": slope, "loss": loss}
    if "hessian" in wanted:
        offered["hessian"] = _hessian(elaborator, slope, params, Place(f"{path}.hessian"), mark)
    if "objective" in wanted:
        compute = partial(_objective_at, elaborator, loss, params)
        offered["objective"] = Function("objective", compute=compute)
    return offered


def _join(elaborator: Elaborator, values: Sequence[Value], place: Place, mark: Mark) -> Value:
    """Values of any shapes, one after another, as one vector."""
    at = place if len(values) == 1 else place.child("flat")
    flat = [elaborator.emit("reshape", [v], at, mark, shape=(v.size,)) for v in values]
    return flat[0] if len(flat) == 1 else elaborator.emit("concat", flat, place, mark, axis=0)


def _pieces(
    elaborator: Elaborator, vector: Value, like: Sequence[Value], place: Place, mark: Mark
) -> list[Value]:
    """A vector taken apart into values of the shapes of ``like``."""
    found: list[Value] = []
    start: Dim = 0
    for value in like:
        stop = start + value.size
        bounds = (("slice", start, stop, None),)
        part = elaborator.emit("slice", [vector], place.child("part"), mark, index=bounds)
        at = place.child(value.name)
        found.append(elaborator.emit("reshape", [part], at, mark, shape=value.shape))
        start = stop
    return found


def _set_pieces(
    elaborator: Elaborator, vector: Value, params: Sequence[Value], value: Value, mark: Mark
) -> None:
    """The new value of a joined vector goes to the parameters it is made of."""
    if value.tensor != vector.tensor:
        fail("GF034", f"the parameters are {vector.type}, their update is {value.type}", mark)
    parts = _pieces(elaborator, value, params, Place(f"{value.name}.apart"), mark)
    for param, part in zip(params, parts, strict=True):
        elaborator.set_update(param.name, part, mark)


def _hessian(
    elaborator: Elaborator, slope: Value, params: Sequence[Value], place: Place, mark: Mark
) -> Value:
    """The second derivatives of the loss: one row for each entry of its gradient."""
    blocks = []
    for param in params:
        rows = elaborator.emit("jacobian", [slope, param], place.child(param.name), mark)
        shape: tuple[Dim, ...] = (slope.size, param.size)
        blocks.append(elaborator.emit("reshape", [rows], place.child("rows"), mark, shape=shape))
    return elaborator.emit("concat", blocks, place, mark, axis=1)


def _objective_at(
    elaborator: Elaborator, loss: Value, params: Sequence[Value], arguments: Arguments, slot: Slot
) -> Bound:
    """``objective(point)``: the loss and its gradient where the parameters are ``point``.

    The nodes between parameters and loss are built again; everything else, the batch and the
    random draws among it, is what the step has already.
    """
    place, mark = slot.claim("objective"), arguments.mark
    given = bind("objective", ["point"], arguments)
    point = elaborator.local(elaborator.tensor(given.get("point"), mark, DType.FLOAT))
    length = sum((p.size for p in params[1:]), params[0].size)
    if point.shape != (length,):
        fail("GF030", f"a point is a vector of {length} numbers, not {point.type}", mark)
    parts = _pieces(elaborator, point, params, place, mark)
    moved = {param.name: part for param, part in zip(params, parts, strict=True)}
    source = loss.builder
    needed = source.graph().needed_for([loss.name])
    for name in [n for n in source.nodes if n in needed and n not in moved]:
        node = source.nodes[name]
        if moved.keys().isdisjoint(node.inputs):
            continue
        operands = [moved.get(i) or source.value(i) for i in node.inputs]
        at = place.child(name)
        moved[name] = elaborator.emit(node.op, operands, at, mark, **node.attributes())
    value = moved.get(loss.name) or elaborator.local(loss)
    found = elaborator.emit("gradients", [value, *parts], place.child("of"), mark, zero=True)
    slopes = [
        elaborator.emit("item", [found], place.child(f"{p.name}.slope"), mark, index=i)
        for i, p in enumerate(params)
    ]
    return value, _join(elaborator, slopes, place.child("slope"), mark)
