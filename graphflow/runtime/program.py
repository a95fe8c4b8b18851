"""Programs: a graph compiled for outputs, gradients, a mode and a number type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphflow.autodiff import reverse
from graphflow.diagnostics import did_you_mean, fail
from graphflow.ir.graph import Graph
from graphflow.ir.types import TupleType
from graphflow.ops.builder import Builder
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Prepared, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.result import Result
from graphflow.runtime.store import Store, as_array


class Program:
    """Outputs, kept nodes and gradients of a model, compiled. Calling it runs it; nothing changes.

    A feed may set any named node: what follows is computed from it.
    """

    def __init__(
        self,
        compiler: Compiler,
        outputs: Mapping[str, str],
        gradients: Mapping[str, str] | None = None,
        *,
        cotangent: str | None = None,
        of: str | None = None,
        seed: int = 0,
    ) -> None:
        self._compiler = compiler
        self._outputs, self._gradients = dict(outputs), dict(gradients or {})
        self._cotangent, self._of, self.seed = cotangent, of, seed

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
            {name: found[node] for name, node in self._outputs.items()},
            {name: found[node] for name, node in self._gradients.items()},
        )

    def prepared(
        self, feed: Mapping[str, Array], cotangent: Array | float | None = None, step: int = 0
    ) -> Prepared:
        """The same run for a stepper or a trace: its concrete graph and the values of leaves."""
        complete = self.complete_feed(feed, cotangent)
        return self._compiler.prepared(complete, random_key(self.seed, step))

    def complete_feed(
        self, feed: Mapping[str, Array], cotangent: Array | float | None
    ) -> dict[str, Array]:
        """The feed with the cotangent in it."""
        if not isinstance(feed, Mapping):
            fail("GF065", f"a feed maps names to arrays, not {type(feed).__name__}",
                 help="program({'x': ...})")  # fmt: skip
        complete = dict(feed)
        if cotangent is None:
            if self._cotangent is not None:
                fail("GF050", f"'{self._of}' is not one number: its gradient needs a cotangent",
                     help="call program(feed, cotangent=array of its shape)")  # fmt: skip
            return complete
        if self._of is None or not self._gradients:
            fail("GF050", "a cotangent is given, but nothing is differentiated")
        name = self._cotangent or f"{self.graph.resolve(self._of)}.grad"
        return {**complete, name: as_array("cotangent", cotangent)}


def build_program(
    graph: Graph,
    store: Store,
    initialiser: Initialiser,
    settings: Settings,
    *,
    names: Sequence[str],
    of: str | None,
    wrt: Sequence[str],
    sizes: Mapping[str, int],
    seed: int = 0,
) -> Program:
    """Compile the nodes ``names`` and the derivatives of ``of`` by ``wrt``."""
    outputs = {name: _resolve(graph, name) for name in names}
    gradients: dict[str, str] = {}
    cotangent = None
    if of is not None and wrt:
        for name in wrt:
            _resolve(graph, name)
        graph, cotangent = _differentiated(graph, of, wrt)
        gradients = {w: graph.gradients[of, w] for w in wrt}
    roots = tuple(dict.fromkeys((*outputs.values(), *gradients.values())))
    graph = replace(graph, outputs=roots, updates={})
    compiler = Compiler(graph, store, initialiser, settings, sizes)
    return Program(compiler, outputs, gradients, cotangent=cotangent, of=of, seed=seed)


def _differentiated(graph: Graph, of: str, wrt: Sequence[str]) -> tuple[Graph, str | None]:
    """The graph with gradients; for a non-scalar ``of`` the name of its cotangent's input, too."""
    target = graph[of]
    if target.tensor.shape == ():
        return reverse(graph, of, wrt), None
    builder = Builder(graph)
    name = builder.unique(f"{target.name}.cotangent")
    with builder.within("", replace(graph.origin(of), phase="backward", twin=target.name)):
        leaf = builder.input(name, target.tensor)
    extended = replace(graph, nodes=builder.nodes, origins=builder.origins)
    return reverse(extended, of, wrt, leaf.name), leaf.name


def _resolve(graph: Graph, name: str) -> str:
    if name not in graph:
        close = did_you_mean(name, [*graph.nodes, *graph.aliases])
        fail("GF020", f"no node is called '{name}'", help=close)
    if isinstance(graph[name].type, TupleType):
        fail("GF022", f"'{name}' has several results", graph.origin(name).mark,
             help="unpack it where it stands: a, b: ...")  # fmt: skip
    return graph.resolve(name)


def names_in(argument: str, value: str | Sequence[str]) -> list[str]:
    """One name or several, as a list; GF033 for anything else."""
    if isinstance(value, str):
        return [value]
    names = list(value) if isinstance(value, Iterable) else [value]
    if not all(isinstance(name, str) for name in names):
        fail("GF033", f"{argument} holds names, not {value!r}")
    return names


def random_key(seed: int, step: int) -> Array:
    """The value of the ``rng`` leaf."""
    for what, number in (("seed", seed), ("step", step)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            fail("GF033", f"the {what} is a whole number, not {number!r}")
        if not 0 <= number < 2**63:
            fail("GF033", f"the {what} is at least 0 and below 2^63, not {number}")
    return np.array([seed, step], dtype=np.int64)
