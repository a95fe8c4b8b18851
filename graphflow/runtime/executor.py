"""Running a plan: leaves bound to the store, a straight line of kernels, then the updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import copy_context

import numpy as np

from graphflow.backends.base import Backend
from graphflow.backends.numpy_backend import NUMPY
from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES, Node
from graphflow.ops.op import Array
from graphflow.runtime.bind import bind
from graphflow.runtime.early import Early
from graphflow.runtime.line import Line, allocate
from graphflow.runtime.store import StoreLike
from graphflow.runtime.uninterrupted import Uninterrupted
from graphflow.schedule.plan import Plan
from graphflow.schedule.views import concrete_shape

Shaped = tuple[str, Array, tuple[int, ...], np.dtype[np.generic]]


class Executor:
    """A plan that runs again and again in the same memory.

    Leaves named in ``fed`` are given for each run; all others are bound to the store's own arrays.
    Where the store keeps another number type than the plan computes in, values are converted before
    a run and, if updated, after it. Outputs in ``early`` are told on the way and not given back.
    """

    def __init__(
        self, plan: Plan, store: StoreLike, fed: Sequence[str], backend: Backend = NUMPY,
        early: Sequence[Early] = (),
    ) -> None:  # fmt: skip
        self.plan, self._store, self._backend, self._early = plan, store, backend, early
        leaves = [node for node in plan.graph if node.op in LEAVES]
        self._fed = {n.name: _empty(n) for n in leaves if n.name in set(fed)}
        self._held = [node for node in leaves if node.name not in self._fed]
        overwritten = sorted(self._fed.keys() & plan.graph.updates.keys())
        if overwritten:
            raise ValueError(f"{overwritten} are fed, so they cannot be updated")
        self._arena = allocate(plan.arena_bytes)
        self._silence = copy_context()
        self._silence.run(np.seterr, all="ignore")
        self._bind()

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """Compute the outputs and make the updates, all of them from the old values.

        The arrays given back are copies. An interrupt from the keyboard takes effect before the
        first leaf is written or after the last one. Raises GF065 for a leaf that is not fed and
        GF061 for one of another shape.
        """
        if self._store.version != self._version:
            self._bind()
        for name, target in self._fed.items():
            _take(name, target, feed)
        for target, source in self._taken:
            np.copyto(target, source, casting="same_kind")
        return self._silence.run(self._compute)

    def value(self, name: str) -> Array | tuple[Array, ...]:
        """The memory in which a node's value lies, for plans that keep every value."""
        return self._line.values[self.plan.graph.resolve(name)]

    def _compute(self) -> dict[str, Array]:
        """Run the kernels; NumPy says nothing of numbers that are not finite."""
        for kernel in self._line.kernels:
            kernel()
        results = {name: np.empty(shape, dtype) for name, _, shape, dtype in self._outputs}
        if self._interruptible:
            with Uninterrupted():
                self._finish(results)
        else:
            self._finish(results)
        return results

    def _finish(self, results: dict[str, Array]) -> None:
        """Write the leaves; outputs are copied before old values go."""
        for kernel in self._line.ending:
            kernel()
        for name, value, _, _ in self._outputs:
            results[name][...] = value
        for copy in self._line.copies:
            copy()
        for target, source in self._returned:
            np.copyto(target, source, casting="same_kind")

    def _bind(self) -> None:
        """Bind all kernels to the arrays that the store has now."""
        leaves = dict(self._fed)
        self._taken: list[tuple[Array, Array]] = []
        self._returned: list[tuple[Array, Array]] = []
        for node in self._held:
            kept = self._store.array(node.name)
            _check_shape(node.name, kept.shape, node.tensor.shape)
            leaves[node.name] = kept
            if kept.dtype != node.tensor.dtype.value or not kept.flags.c_contiguous:
                leaves[node.name] = _empty(node)
                self._taken.append((leaves[node.name], kept))
                if node.name in self.plan.graph.updates:
                    self._returned.append((kept, leaves[node.name]))
        self._version = self._store.version
        self._line: Line = bind(
            self._backend, self.plan, leaves, self._arena, early=self._early
        )
        written = len(self._line.copies) + len(self._returned)
        self._interruptible = bool(self._line.ending) or written > 1  # one copy is never halved
        graph = self.plan.graph
        told = {name for each in self._early for name in each.names}
        found = {name: self._line.array(name) for name in graph.outputs if name not in told}
        self._outputs: list[Shaped] = [(n, v, v.shape, v.dtype) for n, v in found.items()]


def _empty(node: Node) -> Array:
    return np.empty(concrete_shape(node.tensor), node.tensor.dtype.value)


def _take(name: str, target: Array, feed: Mapping[str, Array]) -> None:
    """Copy what is fed for one leaf into its place."""
    if name not in feed:
        fail("GF065", f"'{name}' is not fed", help=f"this run needs a value for '{name}'")
    given = np.asarray(feed[name])
    _check_shape(name, given.shape, target.shape)
    np.copyto(target, given, casting="unsafe")


def _check_shape(name: str, given: tuple[int, ...], wanted: Sequence[object]) -> None:
    if given != wanted:
        fail("GF061", f"'{name}' has the shape {list(given)}, but the plan is for {list(wanted)}")
