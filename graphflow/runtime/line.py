"""A plan bound to memory: a straight line of kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from graphflow.backends.base import Backend, Kernel
from graphflow.ir.graph import LEAVES, Node
from graphflow.ir.types import TensorType, tensors
from graphflow.ops.evaluate import Computed
from graphflow.ops.op import Array, get_op
from graphflow.schedule.liveness import is_fixed
from graphflow.schedule.memory import ALIGNMENT
from graphflow.schedule.plan import Plan
from graphflow.schedule.views import UNIFORM, view


def allocate(nbytes: int) -> Array:
    """Bytes that begin at a multiple of the alignment."""
    room = np.empty(nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + nbytes]


def carve(arena: Array, offset: int, type: TensorType) -> Array:
    """The array of a type that begins at ``offset`` of the arena."""
    return np.ndarray(type.shape, type.dtype.value, arena, offset)  # type: ignore[arg-type]


@dataclass
class Line:
    """Kernels in running order, then those of the end, then copies into updated leaves.

    Leaves change in the last two only.
    """

    values: dict[str, Computed]
    kernels: list[Kernel] = field(default_factory=list)
    ending: list[Kernel] = field(default_factory=list)
    copies: list[Kernel] = field(default_factory=list)

    def array(self, name: str) -> Array:
        """The memory of a value that is one array."""
        value = self.values[name]
        assert isinstance(value, Array)
        return value


def bind(plan: Plan, leaves: Mapping[str, Array], arena: Array, backend: Backend) -> Line:
    """Bind every node of a plan to memory. ``leaves`` are arrays by name."""
    line = Line(dict(leaves))
    last = set(plan.ending.nodes)
    for name in plan.order:
        node = plan.graph.nodes[name]
        if node.op in LEAVES:
            continue
        seeing = view(node, line.values[node.inputs[0]]) if name in plan.sources.views else None
        if seeing is not None:
            line.values[name] = seeing
        elif is_fixed(node):
            line.values[name] = fixed_value(node)
        else:
            out = _results(plan, node, leaves, arena)
            line.values[name] = out[0] if isinstance(node.type, TensorType) else out
            inputs = [line.values[operand] for operand in node.inputs]
            kernel = _kernel(plan, node, out, inputs, arena, backend)
            (line.ending if name in last else line.kernels).append(kernel)
    line.copies = list(_copies(plan, line, arena))
    return line


def fixed_value(node: Node) -> Array:
    """The value of a node that reads nothing, read-only; one element for a uniform array."""
    attrs = node.attributes()
    if node.op in UNIFORM:
        attrs["shape"] = ()
    value = np.array(get_op(node.op).forward(np, **attrs), node.tensor.dtype.value, order="C")
    value.flags.writeable = False
    return np.broadcast_to(value, node.tensor.shape)  # type: ignore[arg-type]


def _results(
    plan: Plan, node: Node, leaves: Mapping[str, Array], arena: Array
) -> tuple[Array, ...]:
    """The memory a node's results go to: its buffers, or the leaf it updates."""
    if node.name in plan.ending.direct:
        return (leaves[plan.ending.direct[node.name]],)
    return tuple(
        carve(arena, plan.buffers[plan.homes[node.name, part]].offset, type)
        for part, type in enumerate(tensors(node.type))
    )


def _kernel(
    plan: Plan,
    node: Node,
    out: tuple[Array, ...],
    inputs: Sequence[Computed],
    arena: Array,
    backend: Backend,
) -> Kernel:
    if not node.regions:
        return backend.kernel(node, out, inputs)
    from graphflow.runtime.control import control_kernel

    buffer = plan.buffers[plan.scratch[node.name]]
    scratch = arena[buffer.offset : buffer.offset + buffer.nbytes]
    return control_kernel(node, plan.regions[node.name], out, inputs, scratch, backend)


def _copies(plan: Plan, line: Line, arena: Array) -> Iterator[Kernel]:
    """First what must be put aside, then the new values into their leaves."""
    written = []
    for leaf, value in plan.graph.updates.items():
        if value == leaf or value in plan.ending.direct:
            continue
        target, source = line.array(leaf), line.array(value)
        if leaf in plan.staged:
            aside = carve(arena, plan.buffers[plan.staged[leaf]].offset, plan.graph[leaf].tensor)
            yield partial(np.copyto, aside, source)
            source = aside
        written.append(partial(np.copyto, target, source))
    yield from written
