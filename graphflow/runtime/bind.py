"""Binding a plan to memory: every node becomes a kernel, a view, or a fixed value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np

from graphflow.backends.base import Backend, Kernel
from graphflow.ir.graph import LEAVES, Node
from graphflow.ir.types import TensorType, tensors
from graphflow.ops.control import is_control
from graphflow.ops.op import Array, Namespace, get_op
from graphflow.runtime.control import control_kernel
from graphflow.runtime.early import Early
from graphflow.runtime.line import Line, carve
from graphflow.schedule.liveness import Slot, is_fixed
from graphflow.schedule.plan import Plan
from graphflow.schedule.storage import computes
from graphflow.schedule.views import UNIFORM, concrete_shape, view


def bind(
    backend: Backend,
    plan: Plan,
    leaves: Mapping[str, Array],
    arena: Array,
    given: Mapping[Slot, Array] = MappingProxyType({}),
    early: Sequence[Early] = (),
) -> Line:
    """Bind every node of a plan to memory. ``leaves`` are arrays by name; ``given`` are places
    for results that are not to lie in the arena or in the leaf that they update; ``early`` are
    values that are told on the way.
    """
    line = Line(dict(leaves))
    last = set(plan.ending.nodes)
    complete = _last_of(plan, early)
    for name in plan.order:
        node = plan.graph.nodes[name]
        kernels = line.ending if name in last else line.kernels
        sees = name in plan.sources.views
        seeing = view(node, line.values[node.inputs[0]], backend.xp) if sees else None
        if node.op in LEAVES:
            pass  # it lies there
        elif seeing is not None:
            line.values[name] = seeing
        elif is_fixed(node):
            line.values[name] = fixed_value(node, backend.xp)
        else:
            out = _results(plan, node, leaves, arena, given)
            line.values[name] = out[0] if isinstance(node.type, TensorType) else out
            kernels.append(_kernel(backend, plan, node, line, out, arena))
        for each in complete.get(name, ()):
            kernels.append(partial(each.tell, {n: line.array(n) for n in each.names}))
    line.kernels, line.ending = backend.joined(line.kernels), backend.joined(line.ending)
    line.copies = backend.joined(list(_copies(backend, plan, line, arena)))
    return line


def _last_of(plan: Plan, early: Sequence[Early]) -> Mapping[str, list[Early]]:
    """What is complete with each node: the last of its values in the order in which nodes run."""
    place = {name: number for number, name in enumerate(plan.order)}
    found: dict[str, list[Early]] = {}
    for each in early:
        found.setdefault(max(each.names, key=place.__getitem__), []).append(each)
    return found


def computed_by(backend: Backend, plan: Plan) -> Mapping[str, str]:
    """For each node that runs what computes it. Nothing is run or allocated: stand-ins have the
    shapes and strides of the real arrays, and a kernel is chosen by these.
    """
    seen, found = plan.sources.seen, {}
    for node in plan.graph:
        if is_control(node):
            found[node.name] = f"turns of kernels ({backend.name})"
        elif computes(node, plan.sources):
            out, operands = seen[node.name], [seen[name] for name in node.inputs]
            results = out if isinstance(out, tuple) else (out,)
            found[node.name] = backend.bound(node, results, operands).by
    return found


def fixed_value(node: Node, xp: Namespace = np) -> Array:
    """The value of a node that reads nothing, read-only; one element for a uniform array."""
    attrs = node.attributes()
    if node.op in UNIFORM:
        attrs["shape"] = ()
    value = np.array(get_op(node.op).forward(np, **attrs), node.tensor.dtype.value, order="C")
    value.flags.writeable = False
    found: Array = xp.broadcast_to(xp.asarray(value), concrete_shape(node.tensor))
    return found


def _results(
    plan: Plan,
    node: Node,
    leaves: Mapping[str, Array],
    arena: Array,
    given: Mapping[Slot, Array],
) -> tuple[Array, ...]:
    """The memory a node's results go to: what is given, the leaf it updates, or its buffers."""
    order, direct = plan.orders.get(node.name), plan.ending.direct
    found = []
    for part, type in enumerate(tensors(node.type)):
        slot = (node.name, part)
        if slot in given:
            found.append(given[slot])
        elif slot in direct:
            found.append(leaves[direct[slot]])
        else:
            found.append(carve(arena, plan.buffers[plan.homes[slot]].offset, type, order))
    return tuple(found)


def _kernel(
    backend: Backend, plan: Plan, node: Node, line: Line, out: tuple[Array, ...], arena: Array
) -> Kernel:
    inputs = [line.values[operand] for operand in node.inputs]
    if not is_control(node):
        return backend.kernel(node, out, inputs)
    buffer = plan.buffers[plan.scratch[node.name]]
    scratch = arena[buffer.offset : buffer.offset + buffer.nbytes]
    regions = plan.regions[node.name]
    return control_kernel(node, regions, out, inputs, scratch, backend, bind)


def _copies(backend: Backend, plan: Plan, line: Line, arena: Array) -> Iterator[Kernel]:
    """First what must be put aside, then the new values into their leaves."""
    written = []
    for leaf, value in plan.graph.updates.items():
        if value == leaf or plan.ending.direct.get(plan.sources.slots[value][0]) == leaf:
            continue
        target, source = line.array(leaf), line.array(value)
        if leaf in plan.staged:
            aside = carve(arena, plan.buffers[plan.staged[leaf]].offset, plan.graph[leaf].tensor)
            yield backend.copy(aside, source)
            source = aside
        written.append(backend.copy(target, source))
    yield from written
