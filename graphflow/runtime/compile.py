"""Compiling: a symbolic graph bound to sizes, a number type and a mode, ready to run.

The compiler keeps one plan for every binding of sizes it has met lately: a smaller last batch,
another sequence length.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np

from graphflow.backends import cupy
from graphflow.backends.sets import (
    BackendName,
    KernelsName,
    backend_named,
    kernel_set,
    kernels_named,
)
from graphflow.diagnostics import GraphflowError, did_you_mean, fail
from graphflow.ir.graph import Graph, Node
from graphflow.ir.precision import Precision, precision_named
from graphflow.ir.types import DType, TensorType, dtype_named, type_symbols
from graphflow.ops.all_reduce import reducing_by
from graphflow.ops.evaluate import Computed, run_in
from graphflow.ops.narrow import is_narrow
from graphflow.ops.op import Array
from graphflow.passes import optimise, solve_sizes, specialise
from graphflow.runtime.bound import Bound, Repeated
from graphflow.runtime.device import ensure_fits
from graphflow.runtime.device_plan import device_layout
from graphflow.runtime.early import Early, told_by
from graphflow.runtime.executor import Executor
from graphflow.runtime.guard import Guarded
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.interpret import Interpreter, leaf_values
from graphflow.runtime.on_device import OnDevice
from graphflow.runtime.planning import Budgeted, Layout, budgeted_plan, laid_out
from graphflow.runtime.store import Fitted, Store, StoreLike, as_array
from graphflow.runtime.threads import blas_threads_beside
from graphflow.runtime.uncollected import uncollected
from graphflow.schedule.plan import Plan

Mode = Literal["train", "eval"]
PlanKind = Literal["fast", "plain", "guarded"]
"""How a plan runs: optimised; node by node; or node by node, stopping at the first NaN."""
PLANS_KEPT = 16
"""Plans for other sizes that a program keeps, the latest ones."""


@dataclass(frozen=True)
class Settings:
    """How a program is compiled: everything but what it computes."""

    mode: Mode = "eval"
    dtype: DType = DType.FLOAT32
    plan: PlanKind = "fast"
    memory: int | None = None
    kernels: KernelsName = "numpy"
    exact_conv: bool = False
    backend: BackendName = "numpy"
    precision: Precision | None = None
    """What products of a training are computed with; without it what its file says."""

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            fail("GF033", f"mode is 'train' or 'eval', not {self.mode!r}")
        if self.plan not in get_args(PlanKind):
            fail("GF033", f"plan is one of {', '.join(get_args(PlanKind))}, not {self.plan!r}")
        if kernels_named(self.kernels) != "numpy" and self.plan != "fast":
            fail("GF033", f"a {self.plan} plan runs node by node, by NumPy: it has no kernels "
                 f"'{self.kernels}'", help="leave out one of the two")  # fmt: skip
        one = self.kernels == "numpy" and self.plan == "fast"
        if backend_named(self.backend) != "numpy" and not one:
            other = f"kernels '{self.kernels}'" if self.plan == "fast" else f"a {self.plan} plan"
            fail("GF033", f"{other} and the backend '{self.backend}' exclude each other",
                 help="leave out one of the two")  # fmt: skip
        self._check_precision()
        if not isinstance(self.exact_conv, bool):
            fail("GF033", f"exact_conv is true or false, not {self.exact_conv!r}")
        whole = isinstance(self.memory, int) and not isinstance(self.memory, bool)
        if self.memory is not None and not (whole and self.memory > 0):
            fail("GF033", f"memory is a number of bytes, not {self.memory!r}",
                 help="memory=2 * 1024**3; on the command line --memory 2GB")  # fmt: skip

    def _check_precision(self) -> None:
        """The policy has numbers of the program's float to be about."""
        policy = "fp32" if self.precision is None else precision_named(self.precision)
        leave_out = "leave out --dtype, or the precision"
        if policy == "bf16" and self.dtype is DType.FLOAT16:
            fail("GF033", f"the precision bf16 keeps parameters in a wider type than {self.dtype}",
                 help=leave_out)  # fmt: skip
        if policy == "tf32" and self.dtype is not DType.FLOAT32:
            fail("GF033", f"the precision tf32 is one of float32, not of {self.dtype}",
                 help=leave_out)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """One run, ready to go: the concrete graph and a value for each of its leaves.

    ``store`` holds the leaves that the graph updates.
    """

    graph: Graph
    leaves: Mapping[str, Array]
    store: StoreLike


class Compiler:
    """Binds one symbolic graph (outputs and updates set) to sizes, and caches the plans. Outputs in
    ``early`` are told as soon as they are there and not given back; a plan that runs node by node
    tells them at its end.
    """

    def __init__(
        self,
        graph: Graph,
        store: Store,
        initialiser: Initialiser,
        settings: Settings,
        sizes: Mapping[str, int] | None = None,
        early: Sequence[Early] = (),
    ) -> None:
        self.graph, self.store, self.initialiser = graph, store, initialiser
        self.settings, self.sizes = settings, dict(sizes or {})
        self._early = tuple(early)
        self._check_sizes()
        self.inputs = frozenset(n.name for n in graph.leaves("input"))
        self._plans: OrderedDict[tuple[object, ...], Bound] = OrderedDict()
        self._latest: Repeated | None = None
        self._lock = threading.Lock()
        self.budgeted: Budgeted | None = None
        """Of the plans that were made within a budget of memory the one that needs most without:
        an epoch's last batch may be smaller than the others.
        """

    def _check_sizes(self) -> None:
        """Sizes given by name belong to symbols of the graph."""
        known = frozenset().union(*(type_symbols(node.type) for node in self.graph))
        for name, size in self.sizes.items():
            if name not in known:
                offer = f"sizes are {', '.join(sorted(known))}" if known else "all sizes are fixed"
                fail("GF061", f"there is no size called '{name}'",
                     help=did_you_mean(name, known) or offer)  # fmt: skip
            if isinstance(size, bool) or not isinstance(size, int) or size < 0:
                fail("GF061", f"the size {name} is a whole number, not {size!r}")

    def run(
        self, feed: Mapping[str, Array], key: Array, sizes: Mapping[str, int] | None = None
    ) -> dict[str, Array]:
        """Outputs by node name; updates are made. ``sizes`` are known besides the feed's."""
        with self._lock:  # a plan has one memory: runs of one program take turns
            latest = self._latest
            if latest is not None and latest.fits(feed, sizes):
                fed, known, bound = feed, latest.known, latest.bound
            else:
                fed, known = self._known(feed, sizes)
                with uncollected():
                    bound = self._plan(tuple(fed), known)
                self._latest = self._repeatable(feed, fed, sizes, known, bound)
            try:
                return bound.run(fed, key)
            except GraphflowError as error:
                if any(d.mark is not None for d in error.diagnostics):
                    raise
                self._find_culprit(bound.graph, fed, key, known)
                raise

    def bring(self, feed: Mapping[str, Array]) -> None:
        """What a later run is fed, if it is one like the latest: to a device it goes ahead."""
        latest = self._latest
        if latest is not None and latest.fits(feed, latest.sizes):
            latest.bound.bring(feed)

    def _repeatable(
        self,
        feed: Mapping[str, Array],
        fed: Mapping[str, Array],
        sizes: Mapping[str, int] | None,
        known: Mapping[str, int],
        bound: Bound,
    ) -> Repeated | None:
        """The run as one that can be repeated without looking at it again: what is fed goes in as
        it is, nothing learns of it, and no state changes its size with it.
        """
        resizable = any(type_symbols(self.graph[name].type) for name in self.graph.updates)
        unchanged = all(fed.get(name) is value for name, value in feed.items())
        if resizable or not unchanged or any(name in self.initialiser.graph for name in fed):
            return None
        kinds = tuple((name, value.shape, value.dtype) for name, value in fed.items())
        return Repeated(kinds, dict(sizes or {}), known, bound)

    def _find_culprit(
        self, graph: Graph, fed: Mapping[str, Array], key: Array, sizes: Mapping[str, int]
    ) -> None:
        """Run a failed step again node by node, alone: the node that fails says where it stands."""
        given = {**fed, **{leaf.name: key for leaf in graph.leaves("rng")}}
        values: dict[str, Computed] = {}
        values |= leaf_values(graph, self._view(graph, sizes), given)
        with reducing_by(None):
            for node in graph:
                if node.name not in values:
                    values[node.name] = run_in(graph, node, [values[n] for n in node.inputs])

    def prepared(
        self, feed: Mapping[str, Array], key: Array, sizes: Mapping[str, int] | None = None
    ) -> Prepared:
        """The same run for whoever goes through it node by node, and makes the updates."""
        fed, known = self._known(feed, sizes)
        graph = self._concrete(tuple(fed), known)
        self._check_fed(graph, fed)
        self._restart_states(graph)
        given = {**fed, **{leaf.name: key for leaf in graph.leaves("rng")}}
        view = self._view(graph, known)
        return Prepared(graph, leaf_values(graph, view, given), view)

    def concrete(self, sizes: Mapping[str, int]) -> Graph:
        """The specialised graph for given sizes, nothing but its inputs fed."""
        return self._concrete((), sizes)

    def _known(
        self, feed: Mapping[str, Array], sizes: Mapping[str, int] | None
    ) -> tuple[dict[str, Array], dict[str, int]]:
        """The feed by node name and the sizes it determines; first values learn of both."""
        fed: dict[str, Array] = {}
        for name, value in feed.items():
            if name not in self.graph:
                close = did_you_mean(str(name), [*self.inputs, *self.graph.aliases])
                known = f"what is fed is {', '.join(sorted(self.inputs))}" if self.inputs else None
                fail("GF065", f"there is no node '{name}' to feed", help=close or known)
            node = self.graph[name]
            fed[node.name] = _converted(node, value, self.settings.dtype)
        shapes = {n: v.shape for n, v in fed.items()}
        found = {**(sizes or {}), **solve_sizes(self.graph, shapes, self.sizes)}
        self.initialiser.learn(fed, found if self.graph.updates else {})
        return fed, found

    def _concrete(self, fed: Sequence[str], sizes: Mapping[str, int]) -> Graph:
        """The specialised graph in which the nodes ``fed`` are inputs."""
        graph = intervene(self.graph, sorted(set(fed) - self.inputs))
        return specialise(graph, sizes, self.settings.dtype, self.settings.mode == "train")

    def _plan(self, fed: Sequence[str], sizes: Mapping[str, int]) -> Bound:
        """The plan for these sizes and these fed nodes; made once, the latest are kept."""
        replaced = tuple(sorted(set(fed) - self.inputs))
        key = (replaced, tuple(sorted(sizes.items())))
        known = self._plans.get(key)
        graph = self._concrete(fed, sizes) if known is None else known.graph
        self._check_fed(graph, fed)
        self._restart_states(graph)
        bound = known or self._bind(graph, sizes)
        self._plans[key] = bound
        self._plans.move_to_end(key)
        if len(self._plans) > PLANS_KEPT:
            self._plans.popitem(last=False)
        return bound

    def _bind(self, graph: Graph, sizes: Mapping[str, int]) -> Bound:
        """A concrete graph as something that runs: optimised and planned, or node by node."""
        view, names = self._view(graph, sizes), self.graph.outputs
        if self.settings.plan == "plain":
            return Bound(Interpreter(graph, view), graph, graph.outputs, names, self._early)
        if self.settings.plan == "guarded":
            return Bound(Guarded(graph, view), graph, graph.outputs, names, self._early)
        if self.settings.backend == "cupy":
            device, tf32 = cupy.device(), self.settings.precision == "tf32"
            plan = self._laid_out(graph, device_layout)
            ensure_fits(plan, self.settings.memory, device.free)
            runner = OnDevice(plan, view, device, self.settings.exact_conv, tf32)
            outputs = plan.graph.outputs
            return Bound(runner, graph, outputs, names, self._early, bring=runner.bring)
        kernels = kernel_set(self.settings.kernels, self.settings.exact_conv)
        plan = self._laid_out(graph, partial(laid_out, kernels=kernels))
        ensure_fits(plan, self.settings.memory)
        fed = [n.name for n in plan.graph if n.op in ("input", "rng")]
        now, later = told_by(self._early, names, plan.graph.outputs)
        executor = Executor(plan, view, fed, kernels.backend, now)
        threads = blas_threads_beside(kernels, plan.graph)
        return Bound(executor, graph, plan.graph.outputs, names, later, threads)

    def _laid_out(self, graph: Graph, layout: Layout) -> Plan:
        """The fast plan, within the memory that is allowed."""
        if self.settings.memory is None:
            return layout(optimise(graph))
        made = budgeted_plan(graph, layout, self.settings.memory)
        if self.budgeted is None or made.kept_bytes >= self.budgeted.kept_bytes:
            self.budgeted = made
        return made.plan

    def _view(self, graph: Graph, sizes: Mapping[str, int]) -> StoreLike:
        """The store; states that this graph only reads have the size it needs."""
        shapes = {
            leaf.name: shape
            for leaf in graph.leaves("state")
            if leaf.name not in self.graph.updates
            and leaf.name in self.initialiser.types
            and type_symbols(self.initialiser.types[leaf.name])
            and (shape := self.initialiser.shape(leaf.name, sizes)) is not None
        }
        first = partial(self.initialiser.first, sizes=sizes)
        return Fitted(self.store, first, shapes) if shapes else self.store

    def _restart_states(self, graph: Graph) -> None:
        """States that a step carries start afresh when the size they have changes."""
        for leaf in graph.leaves("state"):
            filled = leaf.name in self.graph.updates and self.store.filled(leaf.name)
            if filled and self.store.shape(leaf.name) != leaf.tensor.shape:
                self.store.forget(leaf.name)

    def _check_fed(self, graph: Graph, fed: Sequence[str] | Mapping[str, Array]) -> None:
        missing = [n for n in graph.leaves("input") if n.name not in fed]
        if missing:
            node = missing[0]
            fail(
                "GF065",
                f"'{node.name}' ({node.type}) is not fed",
                self.graph.origin(node.name).mark,
                help=f"give a value for {', '.join(n.name for n in missing)}",
            )




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


def float_dtype(name: str) -> DType:
    """A program's float type by name."""
    dtype = dtype_named(name)
    if dtype is None or not dtype.is_float or dtype is DType.FLOAT:
        fail("GF031", f"'{name}' is not a float type",
             help="float32, float64 or float16; --precision bf16 is for bfloat16")  # fmt: skip
    return dtype


def _converted(node: Node, value: Array, float_type: DType) -> Array:
    """A fed array in the number type of its node; numbers only, and no silent loss of fractions."""
    type: TensorType = node.tensor
    array = as_array(node.name, value)
    if is_narrow(array):
        array = array.astype("float32")
    if array.dtype.kind not in "biuf":
        fail("GF031", f"'{node.name}' needs numbers, not {array.dtype}")
    if array.dtype.kind == "f" and not type.dtype.is_float and np.any(array != np.floor(array)):
        fail("GF031", f"'{node.name}' is {type.dtype}, but the fed array has fractions")
    dtype = float_type if type.dtype is DType.FLOAT else type.dtype
    if dtype.is_integer and array.size and not np.can_cast(array.dtype, dtype.value):
        held = np.iinfo(dtype.value)
        if array.min() < held.min or array.max() > held.max:
            fail("GF031", f"'{node.name}' is {dtype}, which holds {held.min} to {held.max}, "
                 f"but the fed array has {array.min()} to {array.max()}")  # fmt: skip
    return np.asarray(array, dtype=dtype.value)
