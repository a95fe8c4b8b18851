"""Plans bound to memory, by the names that their outputs have in the symbolic graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from graphflow.ir.graph import Graph
from graphflow.ops.op import Array
from graphflow.runtime.early import Early

AS_THEY_ARE: AbstractContextManager[None] = nullcontext()
"""Threads of BLAS while a plan runs."""


class Runnable(Protocol):
    """A plan bound to memory."""

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of one run."""


def _stays(feed: Mapping[str, Array]) -> None:
    """What is fed need not go anywhere before its run."""


class Bound:
    """A plan whose outputs go by the names they have in the symbolic graph.

    Specialising and optimising keep outputs in their order, not their names.
    """

    def __init__(
        self,
        plan: Runnable,
        graph: Graph,
        final: Sequence[str],
        names: Sequence[str],
        late: Sequence[Early] = (),
        threads: AbstractContextManager[None] = AS_THEY_ARE,
        bring: Callable[[Mapping[str, Array]], None] = _stays,
    ) -> None:
        self.bring = bring
        """Told of what is fed to a later run."""
        self.plan, self.graph, self._threads, self._late = plan, graph, threads, late
        self._keys = [leaf.name for leaf in graph.leaves("rng")]
        self._names = list(zip(names, final, strict=True))

    def run(self, fed: Mapping[str, Array], key: Array) -> dict[str, Array]:
        """The outputs of one run."""
        given = {**fed, **dict.fromkeys(self._keys, key)} if self._keys else fed
        with self._threads:
            found = self.plan.run(given)
        values = {name: found[final] for name, final in self._names if final in found}
        for each in self._late:
            each.tell({name: values.pop(name) for name in each.names})
        return values


@dataclass(frozen=True)
class Repeated:
    """The latest run: another one that is fed arrays of the same names, shapes and types has the
    same sizes and the same plan.
    """

    kinds: tuple[tuple[str, tuple[int, ...], np.dtype[np.generic]], ...]
    sizes: Mapping[str, int]
    known: Mapping[str, int]
    bound: Bound

    def fits(self, feed: Mapping[str, Array], sizes: Mapping[str, int] | None) -> bool:
        """Whether a run is such another one."""
        return (
            len(feed) == len(self.kinds)
            and (sizes or {}) == self.sizes
            and all(
                type(value := feed.get(name)) is np.ndarray
                and value.shape == shape
                and value.dtype == dtype
                for name, shape, dtype in self.kinds
            )
        )
