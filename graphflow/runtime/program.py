"""Programs: a graph compiled for outputs, gradients, a mode and a number type.

A program binds the sizes of symbols when arrays arrive; it keeps one plan for every binding it has
met (a smaller last batch, another sequence length).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from graphflow.autodiff import reverse
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import LEAVES, Graph, Node
from graphflow.ir.types import DType, TensorType, dtype_named
from graphflow.ops.op import Array
from graphflow.passes import optimise, solve_sizes, specialise
from graphflow.passes.modes import resolve_modes
from graphflow.runtime.device import ensure_fits
from graphflow.runtime.executor import Executor
from graphflow.runtime.guard import Guarded
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.interpret import Interpreter
from graphflow.runtime.result import Result
from graphflow.runtime.store import Store
from graphflow.schedule.plan import make_plan

Mode = Literal["train", "eval"]
PlanKind = Literal["fast", "plain", "guarded"]
"""How a plan runs: optimised; node by node; or node by node, stopping at the first NaN."""
COTANGENT = "cotangent"


class Runnable(Protocol):
    """A plan bound to memory."""

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of one run."""


@dataclass(frozen=True)
class Settings:
    """How a program is compiled: everything but what it computes."""

    mode: Mode = "eval"
    dtype: DType = DType.FLOAT32
    plan: PlanKind = "fast"
    memory: int | None = None


class Compiler:
    """Binds one symbolic graph (outputs and updates set) to sizes, and caches the plans."""

    def __init__(
        self,
        graph: Graph,
        store: Store,
        initialiser: Initialiser,
        settings: Settings,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self.graph, self.store, self.initialiser = graph, store, initialiser
        self.settings, self.sizes = settings, dict(sizes or {})
        self.inputs = frozenset(n.name for n in graph.leaves("input"))
        self._plans: dict[tuple[object, ...], Runnable] = {}

    def resolved(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The feed by node name; unknown names are refused."""
        found: dict[str, Array] = {}
        for name, value in feed.items():
            if name not in self.graph:
                close = did_you_mean(name, [*self.inputs, *self.graph.aliases])
                fail("GF065", f"there is no node '{name}' to feed", help=close)
            node = self.graph[name]
            found[node.name] = _converted(node, value, self.settings.dtype)
        return found

    def bound_sizes(self, feed: Mapping[str, Array]) -> dict[str, int]:
        """The sizes of all symbols that the feed determines."""
        return solve_sizes(self.graph, {n: v.shape for n, v in feed.items()}, self.sizes)

    def concrete(self, fed: Sequence[str], sizes: Mapping[str, int]) -> Graph:
        """The specialised graph in which the nodes ``fed`` are inputs."""
        graph = intervene(self.graph, fed)
        return specialise(graph, sizes, self.settings.dtype, self.settings.mode == "train")

    def run(
        self, feed: Mapping[str, Array], key: Array, sizes: Mapping[str, int] | None = None
    ) -> dict[str, Array]:
        """Outputs by node name; updates are made. ``sizes`` are known besides the feed's."""
        feed = self.resolved(feed)
        sizes = {**(sizes or {}), **self.bound_sizes(feed)}
        self.prepare_leaves(feed, sizes)
        plan = self.plan(tuple(feed), sizes)
        return plan.run({**feed, "rng": key})

    def plan(self, fed: Sequence[str], sizes: Mapping[str, int]) -> Runnable:
        """The plan for these sizes and these fed nodes; made once."""
        replaced = tuple(sorted(set(fed) - self.inputs))
        key = (replaced, tuple(sorted(sizes.items())))
        if key not in self._plans:
            self._plans[key] = self.bind(self.checked(fed, sizes))
        return self._plans[key]

    def checked(self, fed: Sequence[str], sizes: Mapping[str, int]) -> Graph:
        """The specialised graph for a feed, every input of which is fed."""
        graph = self.concrete(sorted(set(fed) - self.inputs), sizes)
        self._check_fed(graph, fed)
        return graph

    def bind(self, graph: Graph) -> Runnable:
        """A concrete graph as something that runs: optimised and planned, or node by node."""
        if self.settings.plan == "plain":
            return Interpreter(graph, self.store)
        if self.settings.plan == "guarded":
            return Guarded(graph, self.store)
        fast = make_plan(optimise(graph))
        ensure_fits(fast, self.settings.memory)
        fed = [n.name for n in fast.graph if n.op in ("input", "rng")]
        return _Renamed(Executor(fast, self.store, fed), graph.outputs, fast.graph)

    def prepare_leaves(self, feed: Mapping[str, Array], sizes: Mapping[str, int]) -> None:
        """Tell initial values what is known now. A state whose size changed starts afresh."""
        initial = self.initialiser
        initial.float_type = self.settings.dtype
        initial.feed.update({n: v for n, v in feed.items() if n in initial.graph})
        if all(initial.sizes.get(s) == n for s, n in sizes.items()):
            return
        initial.sizes.update(sizes)
        filled = (leaf.name for leaf in self.graph.leaves("state") if self.store.filled(leaf.name))
        for name in [n for n in filled if n in initial.types]:
            if self.store.array(name).shape != initial.shape(name):
                self.store.forget(name)

    def _check_fed(self, graph: Graph, fed: Sequence[str]) -> None:
        missing = [n for n in graph.leaves("input") if n.name not in fed]
        if missing:
            node = missing[0]
            fail(
                "GF065",
                f"'{node.name}' ({node.type}) is not fed",
                self.graph.origin(node.name).mark,
                help=f"give a value for {', '.join(n.name for n in missing)}",
            )


class _Renamed:
    """A fast plan whose outputs have the names they have in the plain graph."""

    def __init__(self, executor: Executor, outputs: Sequence[str], fast: Graph) -> None:
        self.executor = executor
        self.names = [(name, fast.resolve(name)) for name in outputs]

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of one run."""
        found = self.executor.run(feed)
        return {name: found[fast] for name, fast in self.names}


class Program:
    """Outputs, kept nodes and gradients of a model, compiled. Calling it runs it; nothing changes.

    A feed may set any named node: what follows is computed from it.
    """

    def __init__(
        self, compiler: Compiler, outputs: Mapping[str, str], gradients: Mapping[str, str],
        of: str | None, seed: int = 0,
    ) -> None:  # fmt: skip
        self._compiler = compiler
        self._outputs, self._gradients = dict(outputs), dict(gradients)
        self._of, self.seed = of, seed
        self._resolve = Resolver(compiler.graph, compiler.settings.mode == "train")

    @property
    def graph(self) -> Graph:
        """The symbolic graph, backward nodes included."""
        return self._compiler.graph

    @property
    def compiler(self) -> Compiler:
        """The sizes, plans and settings behind this program."""
        return self._compiler

    @property
    def gradients(self) -> Mapping[str, str]:
        """The gradient node of each name that is differentiated by."""
        return dict(self._gradients)

    def __call__(
        self, feed: Mapping[str, Array], cotangent: Array | float | None = None, *, step: int = 0
    ) -> Result:
        """Run once. ``cotangent`` is needed for gradients of a non-scalar. ``step`` moves the
        random numbers on: the same feed, seed and step give the same result.
        """
        complete = self.complete_feed(feed, cotangent)
        found = self._compiler.run(complete, random_key(self.seed, step))
        return Result(
            {name: found[self._resolve(node)] for name, node in self._outputs.items()},
            {name: found[self._resolve(node)] for name, node in self._gradients.items()},
        )

    def complete_feed(
        self, feed: Mapping[str, Array], cotangent: Array | float | None
    ) -> dict[str, Array]:
        """The feed with the cotangent in it."""
        complete = dict(feed)
        if COTANGENT in self.graph.nodes:
            if cotangent is None:
                fail("GF050", f"'{self._of}' is not one number: its gradient needs a cotangent",
                     help="call program(feed, cotangent=array of its shape)")  # fmt: skip
            complete[COTANGENT] = np.asarray(cotangent)
        elif cotangent is not None:
            if self._of is None or not self._gradients:
                fail("GF050", "a cotangent is given, but nothing is differentiated")
            complete[f"{self.graph.resolve(self._of)}.grad"] = np.asarray(cotangent)
        return complete


def build_program(
    graph: Graph,
    store: Store,
    initialiser: Initialiser,
    settings: Settings,
    *,
    of: str | None,
    wrt: Sequence[str],
    keep: Sequence[str],
    sizes: Mapping[str, int],
    seed: int = 0,
) -> Program:
    """Compile outputs (or ``of``), ``keep`` and the derivatives of ``of`` by ``wrt``."""
    names = [of] if of is not None else list(_output_names(graph))
    names += [k for k in keep if k not in names]
    outputs = {name: _resolve(graph, name) for name in names}
    gradients: dict[str, str] = {}
    if of is not None and wrt:
        for name in wrt:
            _resolve(graph, name)
        graph = _differentiated(graph, of, wrt)
        gradients = {w: graph.gradients[of, w] for w in wrt}
    roots = tuple(dict.fromkeys((*outputs.values(), *gradients.values())))
    graph = replace(graph, outputs=roots, updates={})
    compiler = Compiler(graph, store, initialiser, settings, sizes)
    return Program(compiler, outputs, gradients, of, seed)


def _differentiated(graph: Graph, of: str, wrt: Sequence[str]) -> Graph:
    """The graph with gradients; a non-scalar ``of`` gets an input for its cotangent."""
    target = graph[of]
    if target.tensor.shape == ():
        return reverse(graph, of, wrt)
    leaf = Node("input", (), (), target.tensor, COTANGENT)
    extended = replace(graph, nodes={**graph.nodes, COTANGENT: leaf})
    return reverse(extended, of, wrt, COTANGENT)


def _output_names(graph: Graph) -> Sequence[str]:
    """What a file calls its outputs; without any, the values that nothing else reads."""
    if graph.outputs:
        names = {node: alias for alias, node in graph.aliases.items() if "." not in alias}
        return [names.get(node, node) for node in graph.outputs]
    read = {operand for node in graph for operand in node.inputs}
    return [n.name for n in graph if n.name not in read and n.op not in LEAVES]


def _resolve(graph: Graph, name: str) -> str:
    if name not in graph:
        close = did_you_mean(name, [*graph.nodes, *graph.aliases])
        fail("GF020", f"no node is called '{name}'", help=close)
    return graph.resolve(name)


class Resolver:
    """Names of nodes as they are called after specialisation: choices by mode are followed, and
    sums of which the mode leaves one part are that part.
    """

    def __init__(self, graph: Graph, training: bool) -> None:
        self.graph = resolve_modes(graph, training)

    def __call__(self, name: str) -> str:
        return self.graph.resolve(name)


def intervene(graph: Graph, fed: Sequence[str]) -> Graph:
    """The graph in which the nodes ``fed`` are inputs: what follows is computed from the feed."""
    if not fed:
        return graph
    nodes = dict(graph.nodes)
    for name in fed:
        if name in graph.updates:
            fail("GF065", f"'{name}' is fed, but the step gives it a new value itself",
                 graph.origin(name).mark,
                 help="leave it out of the feed; to set it, assign it in the model")  # fmt: skip
        nodes[name] = Node("input", (), (), graph.nodes[name].tensor, name)
    return replace(graph, nodes=nodes)


def random_key(seed: int, step: int) -> Array:
    """The value of the ``rng`` leaf."""
    return np.array([seed, step], dtype=np.int64)


def float_dtype(name: str) -> DType:
    """A program's float type by name."""
    dtype = dtype_named(name)
    if dtype is None or not dtype.is_float or dtype is DType.FLOAT:
        fail("GF031", f"'{name}' is not a float type", help="float32, float64 or float16")
    return dtype


def _converted(node: Node, value: Array, float_type: DType) -> Array:
    """A fed array in the number type of its node; numbers only, and no silent loss of fractions."""
    type: TensorType = node.tensor
    try:
        array = np.asarray(value)
    except ValueError:
        fail("GF065", f"'{node.name}' needs a rectangular array of numbers")
    if array.dtype.kind not in "biuf":
        fail("GF031", f"'{node.name}' needs numbers, not {array.dtype}")
    if array.dtype.kind == "f" and not type.dtype.is_float and np.any(array != np.floor(array)):
        fail("GF031", f"'{node.name}' is {type.dtype}, but the fed array has fractions")
    dtype = float_type if type.dtype is DType.FLOAT else type.dtype
    return np.asarray(array, dtype=dtype.value)
