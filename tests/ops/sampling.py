"""The samples of every operator as graphs that can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from graphflow.ir.graph import Graph, Node
from graphflow.ir.types import DType, TensorType, bind_type, dtype_named
from graphflow.ops import OPS, Builder, Op, Sample
from graphflow.ops.evaluate import Computed, evaluate


@dataclass(frozen=True)
class Case:
    """One sample of one operator."""

    op: Op
    number: int
    sample: Sample

    def __str__(self) -> str:
        return f"{self.op.name}-{self.number}"

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Operands by leaf name; intervals drawn in float64."""
        draw = np.random.default_rng(self.number)
        found = {}
        for i, given in enumerate(self.sample.inputs):
            if not isinstance(given, np.ndarray):
                shape, (low, high) = given
                given = draw.uniform(low, high, shape)
            found[f"x{i}"] = given
        return found

    def leaves(self, dtype: DType) -> dict[str, np.ndarray]:
        """The operands with floats in the given precision."""
        return {
            name: x.astype(dtype.value) if x.dtype.kind == "f" else x
            for name, x in self.arrays.items()
        }

    def graph(self, dtype: DType) -> tuple[Graph, str]:
        """The operator applied to its operands, in one float type, and the node's name."""
        builder = Builder()
        operands = []
        for name, x in self.arrays.items():
            kind = DType.FLOAT if x.dtype.kind == "f" else dtype_named(x.dtype.name)
            assert kind is not None
            operands.append(builder.input(name, TensorType(kind, x.shape)))
        out = builder.add(self.op.name, *operands, **self.sample.attrs)
        return concrete(builder.graph([out.name]), dtype), out.name

    def run(self, leaves: Mapping[str, np.ndarray], dtype: DType) -> tuple[np.ndarray, ...]:
        """The results for given operands, several or one."""
        graph, out = self.graph(dtype)
        return several(evaluate(graph, leaves)[out])


def call(name: str, *operands: np.ndarray, **attrs: object) -> np.ndarray:
    """One operator run in float64."""
    (result,) = Case(OPS[name], 0, Sample(operands, attrs)).run(
        {f"x{i}": x for i, x in enumerate(operands)}, DType.FLOAT64
    )
    return result


def several(value: Computed) -> tuple[np.ndarray, ...]:
    return value if isinstance(value, tuple) else (value,)


def concrete(graph: Graph, dtype: DType) -> Graph:
    """``graph`` with the open float type fixed."""

    def fixed(node: Node) -> Node:
        attrs = tuple((k, dtype if v is DType.FLOAT else v) for k, v in node.attrs)
        return replace(node, attrs=attrs, type=bind_type(node.type, {}, dtype))

    return graph.map_nodes(fixed)


def cases(differentiable: bool = False) -> list[Case]:
    """Every sample, or those whose gradients can be checked."""
    found = [Case(op, i, s) for op in OPS.values() for i, s in enumerate(op.samples())]
    if not differentiable:
        return found
    return [
        case
        for case in found
        if case.sample.differentiable
        and case.op.differentiable
        and any(x.dtype.kind == "f" for x in case.arrays.values())
    ]
