"""The reference interpreter: the meaning of a graph in a dozen lines.

Runs the portable forward of each node in order, keeping every value. Executors must agree with it;
control operators run their bodies through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from graphflow.diagnostics import GraphflowError
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ops.narrow import widened
from graphflow.ops.op import Array, Namespace, get_op

Computed = Array | tuple[Array, ...]


def evaluate(graph: Graph, leaves: Mapping[str, Array], xp: Namespace = np) -> dict[str, Computed]:
    """Every node's value by name. ``leaves`` gives inputs, parameters, states and the key.

    >>> from graphflow.ir.types import DType, TensorType
    >>> from graphflow.ops.builder import Builder
    >>> b = Builder()
    >>> y = b.input("x", TensorType(DType.FLOAT64)) * 3
    >>> float(evaluate(b.graph(), {"x": np.array(2.0)})[y.name])
    6.0
    """
    values: dict[str, Computed] = {}
    for node in graph:
        if node.op in LEAVES:
            values[node.name] = leaves[node.name]
        else:
            values[node.name] = run_in(graph, node, [values[name] for name in node.inputs], xp)
    return values


def run_in(graph: Graph, node: Node, operands: list[Computed], xp: Namespace = np) -> Computed:
    """One node of a graph; an error says where it stands."""
    try:
        return run_node(node, operands, xp)
    except GraphflowError as error:
        mark = graph.origin(node.name).mark
        raise GraphflowError(*(d.at(mark) for d in error.diagnostics)) from None


def run_node(node: Node, operands: list[Computed], xp: Namespace = np) -> Computed:
    """One node's portable forward, its result in the number type the node declares. What wants
    NumPy is computed by it, from arrays that are fetched. bfloat16 is computed with in float32, by
    each node of a region for itself.
    """
    op = get_op(node.op)
    if xp is not np and op.on_host(types_of(operands), node.attributes()):
        here = run_node(node, [fetched(x, xp) for x in operands])
        return tuple(map(xp.asarray, here)) if isinstance(here, tuple) else xp.asarray(here)
    given = operands if node.regions else map(widened, operands)
    with np.errstate(all="ignore"):  # what is not finite is found by the guard, with its place
        result = op.forward(xp, *given, **node.attributes())
    if isinstance(node.type, TupleType):
        return tuple(
            xp.asarray(part, dtype=None if t.dtype.value == "float" else t.dtype.value)
            for part, t in zip(result, node.type.items, strict=True)
        )
    dtype = node.tensor.dtype.value
    return xp.asarray(result, dtype=None if dtype == "float" else dtype)


def fetched(value: Computed, xp: Namespace) -> Computed:
    """A device's arrays as NumPy's."""
    if isinstance(value, tuple):
        return tuple(xp.asnumpy(part) for part in value)
    found: Array = xp.asnumpy(value)
    return found


def types_of(operands: Sequence[Computed]) -> list[ValueType]:
    """The types of operands, as they are."""
    found: list[ValueType] = []
    for value in operands:
        parts = value if isinstance(value, tuple) else (value,)
        types = tuple(TensorType(DType(str(part.dtype)), part.shape) for part in parts)
        found.append(TupleType(types) if isinstance(value, tuple) else types[0])
    return found


def run_region(graph: Graph, arguments: list[Array], xp: Namespace = np) -> tuple[Array, ...]:
    """The outputs of a region whose input leaves, in order, take ``arguments``."""
    names = [leaf.name for leaf in graph.leaves("input")]
    values = evaluate(graph, dict(zip(names, arguments, strict=True)), xp)
    return tuple(values[name] for name in graph.outputs)  # type: ignore[misc]
