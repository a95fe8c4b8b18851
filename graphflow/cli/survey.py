"""What ``graphflow show`` knows of a model: its graph at given sizes, counted and planned.

Nothing is allocated: a graph is looked at, not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from graphflow.backends.sets import (
    BackendName,
    KernelSet,
    kernel_set,
    kernels_named,
    known_backend,
)
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.dims import Dim, bind
from graphflow.ir.graph import Graph
from graphflow.ir.types import DType, type_symbols
from graphflow.model import Model
from graphflow.ops.control import graph_flops
from graphflow.passes import specialise, stands_for
from graphflow.passes.modes import resolve_modes
from graphflow.runtime.bind import computed_by
from graphflow.runtime.device_plan import computed_on_device, device_plan
from graphflow.runtime.planning import fast_plan
from graphflow.schedule.plan import Plan, make_plan
from graphflow.spec.elaborate.initial import fans
from graphflow.spec.elaborate.leaves import Leaf
from graphflow.spec.elaborate.scaling import RateScale
from graphflow.spec.unparse import unparse
from graphflow.view.feeding import ends, target, wanted


@dataclass(frozen=True)
class Parameter:
    """One parameter: its shape, and how it starts."""

    name: str
    shape: tuple[Dim, ...]
    count: int
    fan_in: Dim
    fan_out: Dim
    init: str
    trainable: bool


@dataclass(frozen=True)
class Survey:
    """A model's graph with its figures. ``graph`` is symbolic, ``concrete`` has ``sizes``."""

    graph: Graph
    concrete: Graph
    sizes: Mapping[str, int]
    parameters: tuple[Parameter, ...]
    flops: int
    plan: Plan
    unplanned_bytes: int
    """Bytes that a run would need if no two values shared memory."""
    kernels: KernelSet
    backend: BackendName
    scale: RateScale | None = None
    """What learning rates are multiplied by in training."""
    tf32: bool = False
    """Whether a device may round factors of products to TF32."""

    @cached_property
    def computed_by(self) -> Mapping[str, str]:
        """For each node of the fast plan what computes it."""
        if self.backend == "cupy":
            return computed_on_device(self.concrete, self.plan, self.tf32)
        return computed_by(self.kernels.backend, self.plan)

    @cached_property
    def stands_for(self) -> Mapping[str, tuple[str, ...]]:
        """For each node of the fast plan the nodes whose work it does."""
        return stands_for(self.concrete, self.plan.graph)

    @property
    def parameter_count(self) -> int:
        """All numbers that are learned or loaded."""
        return sum(p.count for p in self.parameters)

    @property
    def parameter_bytes(self) -> int:
        """Bytes of all parameters."""
        return self.parameter_count * DType.FLOAT32.itemsize


def survey(
    model: Model, given: Mapping[str, int], backward: bool = False, of: str | None = None,
    kernels: str = "numpy", backend: str = "numpy",
) -> Survey:  # fmt: skip
    """Look at a model: all that its file computes, in evaluation mode, or with ``backward`` the
    gradients of ``of`` in training mode, with the casts of its precision. The fast plan is the one
    for ``kernels``, or, with the backend 'cupy', that of a device, which need not be there.
    """
    where = known_backend(backend)
    if where != "numpy" and kernels != "numpy":
        fail("GF033", f"kernels '{kernels}' and the backend '{where}' exclude each other",
             help="leave out one of the two")  # fmt: skip
    graph = _backward(model, of or target(model)) if backward else _forward(model.graph)
    graph = resolve_modes(graph, training=backward)
    graph = graph.restricted_to(graph.needed_for(graph.outputs))
    sizes = chosen_sizes(model, graph, given)
    concrete = specialise(graph, sizes, DType.FLOAT32, training=backward)
    parameters = tuple(_parameter(model, name, sizes) for name in model.elaborated.parameters)
    flops = graph_flops(concrete)
    assert isinstance(flops, int)
    chosen = kernel_set(kernels_named(kernels))
    plan = device_plan(concrete) if where == "cupy" else fast_plan(concrete, chosen)
    unplanned = make_plan(plan.graph, reuse=False).peak_bytes
    training = model.elaborated.training
    scale = None if training is None else training.scale
    tf32 = backward and training is not None and training.precision == "tf32"
    return Survey(
        graph, concrete, sizes, parameters, flops, plan, unplanned, chosen, where, scale, tf32
    )


def chosen_sizes(model: Model, graph: Graph, given: Mapping[str, int]) -> dict[str, int]:
    """A size for every symbol: the given one, the batch and steps of ``data:``, else 1."""
    open_symbols = dict.fromkeys(s for node in graph for s in sorted(type_symbols(node.type)))
    for name in given:
        if name not in open_symbols:
            fail("GF061", f"no shape has the symbol '{name}'",
                 help=did_you_mean(name, open_symbols) or f"there is {', '.join(open_symbols)}"
                 if open_symbols else "all sizes are fixed")  # fmt: skip
    sizes = dict.fromkeys(open_symbols, 1)
    data = model.elaborated.data
    if data is not None:
        steps = data.options.get("steps")
        served = {"B": data.batch} | ({"T": steps} if isinstance(steps, int) else {})
        sizes |= {name: size for name, size in served.items() if name in sizes}
    return sizes | dict(given)


def _forward(graph: Graph) -> Graph:
    """The graph whose outputs are all values that a file computes, updates of states aside."""
    return replace(graph, outputs=tuple(dict.fromkeys((*graph.outputs, *ends(graph)))), updates={})


def _backward(model: Model, of: str) -> Graph:
    training = model.elaborated.training
    precision = "fp32" if training is None else training.precision
    return model.compile(of, wanted(model, of), mode="train", precision=precision).graph


def _parameter(model: Model, name: str, sizes: Mapping[str, int]) -> Parameter:
    leaf = model.elaborated.leaves[name]
    fan_in, fan_out = fans(leaf.type.shape, leaf.initial.layout)
    count = bind(leaf.type.size, sizes)
    return Parameter(
        name, leaf.type.shape, count if isinstance(count, int) else 0, fan_in, fan_out,
        _start(model.elaborated.initial, leaf), leaf.trainable,
    )  # fmt: skip


def _start(initial: Graph, leaf: Leaf) -> str:
    """How a parameter starts: one draw or number with its settings, else as the file says it."""
    node = initial[leaf.name]
    if any(initial.nodes[operand].op != "rng" for operand in node.inputs):
        return unparse(leaf.initial.expr)
    numbers = {k: v for k, v in node.attrs if isinstance(v, int | float)}
    if "value" in numbers:
        return f"{numbers['value']:g}"
    return f"{node.op}({', '.join(f'{k}={v:.4g}' for k, v in numbers.items())})"
