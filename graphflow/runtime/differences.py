"""What checks of gradients against differences need of a graph: one number, in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphflow.autodiff import GradientCheck, check_gradients
from graphflow.ir.graph import Attr, Graph, Node
from graphflow.ir.types import DType, TensorType, TupleType, ValueType
from graphflow.ops.builder import Builder, F
from graphflow.ops.evaluate import Computed, evaluate
from graphflow.ops.op import Array
from graphflow.runtime.compile import intervene

STEPS = (1e-6, 1e-8, 1e-9, 1e-7, 1e-5, 1e-4)
"""Step sizes of the differences. One suffices for a smooth graph; a large step jumps over the kinks
of relu in a large one, and a small step drowns a small derivative in rounding. A wrong gradient
agrees at none of them.
"""
WEIGHTS = "projection"
"""An output that is not one number is checked through its sum with these random weights."""
BESIDE = 1e-3
"""How far beside a kink the gradient is checked instead, relative to the values there."""


def held(graph: Graph, leaves: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """What ``stop_gradient`` holds still is a constant of the differences too."""
    return as_inputs(graph, [node.name for node in graph if node.op == "stop_gradient"], leaves)


def as_inputs(
    graph: Graph, names: Sequence[str], leaves: Mapping[str, Array]
) -> tuple[Graph, dict[str, Array]]:
    """The graph in which these nodes are inputs, and all leaves: they are fed what they are now."""
    values: Mapping[str, Computed] = evaluate(graph, leaves) if names else {}
    return intervene(graph, names), {**leaves, **{n: np.asarray(values[n]) for n in names}}


def held_still(count: int) -> str:
    """What a verdict must say where values stand still in the differences.

    >>> held_still(1), held_still(3), held_still(0)
    ('with 1 stop_gradient held still', 'with 3 stop_gradients held still', '')
    """
    return f"with {count} stop_gradient{'s' * (count > 1)} held still" if count else ""


def projected(graph: Graph, of: str, leaves: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """The graph whose output is ``of``, or its sum with random weights if it is no one number."""
    type = graph[of].tensor
    builder, value, known = Builder(graph), of, dict(leaves)
    if type.shape != ():
        weights = builder.input(builder.unique(WEIGHTS), type)
        value = F.sum(builder.value(of) * weights).name
        known[weights.name] = np.random.default_rng(0).standard_normal(weights.shape)  # type: ignore[arg-type]
    return builder.graph([value]), known


def best_checks(
    graph: Graph, of: str, wrt: Sequence[str], leaves: Mapping[str, Array]
) -> tuple[GradientCheck, ...]:
    """The closest agreement over step sizes, larger and smaller ones only where it is needed."""
    best: dict[str, GradientCheck] = {}
    for step in STEPS:
        left = [name for name in wrt if name not in best or not best[name].passes()]
        for check in check_gradients(graph, of, left, leaves, step=step) if left else ():
            known = best.get(check.name)
            if known is None or np.isnan(known.error) or check.error < known.error:
                best[check.name] = check
    return tuple(best[name] for name in wrt)


def agrees_beside(graph: Graph, of: str, name: str, leaves: Mapping[str, Array]) -> bool:
    """Whether the gradient is right a little beside a corner, where the graph is smooth: on any
    side, or, since it may be the end of what a function is defined on, above.
    """
    at = leaves[name]
    far = BESIDE * max(1.0, float(np.max(np.abs(at), initial=0.0)))
    way = far * np.random.default_rng(1).standard_normal(at.shape)
    return any(
        all(c.passes() for c in best_checks(graph, of, [name], {**leaves, name: moved}))
        for moved in (at + way, at + np.abs(way))
    )


def in_precision(graph: Graph, dtype: DType) -> Graph:
    """A concrete graph that computes in another float type; whole numbers stay what they are."""
    return graph.map_nodes(lambda node: _retyped(node, dtype))


def _retyped(node: Node, dtype: DType) -> Node:
    attrs = tuple((key, _attribute(value, dtype)) for key, value in node.attrs)
    return replace(node, type=_type(node.type, dtype), attrs=attrs)


def _attribute(value: Attr, dtype: DType) -> Attr:
    if isinstance(value, Graph):
        return in_precision(value, dtype)
    if isinstance(value, tuple):
        return tuple(_attribute(part, dtype) for part in value)
    return dtype if isinstance(value, DType) and value.is_float else value


def _type(type: ValueType, dtype: DType) -> ValueType:
    if isinstance(type, TupleType):
        return TupleType(tuple(_tensor(item, dtype) for item in type.items))
    return _tensor(type, dtype)


def _tensor(type: TensorType, dtype: DType) -> TensorType:
    return replace(type, dtype=dtype) if type.dtype.is_float else type
