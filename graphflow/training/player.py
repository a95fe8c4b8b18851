"""One player of a training: its step, its update and the end of its epoch, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphflow.ir.graph import Graph
from graphflow.ir.types import type_symbols
from graphflow.ops.op import Array
from graphflow.runtime.compile import Compiler, Settings
from graphflow.runtime.initial import Initialiser
from graphflow.runtime.store import Store
from graphflow.training.step_graph import StepGraph
from graphflow.training.stepping import Batch, Part


class Player:
    """One player's step, compiled. ``ahead`` is how many batches it begins before their steps; with
    ``computes_ahead`` their gradients are computed then.
    """

    computes_ahead = False

    def __init__(
        self, step: StepGraph, store: Store, initialiser: Initialiser, settings: Settings
    ) -> None:
        self.step, self.store, self.initialiser = step, store, initialiser
        self.ahead = int(settings.backend == "cupy")
        self.compiler = Compiler(step.graph, store, initialiser, settings)
        self.updating, self.closing = (
            None if graph is None else Compiler(graph, store, initialiser, settings)
            for graph in (step.update, step.closing)
        )

    def on_batch(self, title: str, batch: Batch, key: Array, sizes: Mapping[str, int]) -> Part:
        """The step on a batch, or the gathering of its gradients."""
        step = self.step
        known = {n: v for n, v in batch.items() if n in step.graph}
        return Part(title, self.compiler, known, key, sizes, step.objective.loss,
                    step.report, step.history)  # fmt: skip

    def begin(self, title: str, batch: Batch, key: Array, sizes: Mapping[str, int]) -> None:
        """A batch whose step comes later: it goes to the device ahead."""
        self.compiler.bring(self.on_batch(title, batch, key, sizes).feed)

    def release(self) -> None:
        """Let go of what computes elsewhere, once what lives there is here again; another step
        starts it anew.
        """

    def concrete(self, sizes: Mapping[str, int]) -> Graph:
        """What its step computes for batches of these sizes."""
        return self.compiler.concrete(sizes)

    @property
    def waiting(self) -> int:
        """Batches whose gradients wait for an update."""
        return 0 if self.updating is None else int(self.store.copied(self.step.gathered))

    def update(self, title: str, key: Array, enough: int) -> Part | None:
        """The update that ``enough`` batches wait for."""
        if self.updating is None or self.waiting < enough:
            return None
        return self._alone(title, self.updating, key)

    def close_epoch(self, key: Array) -> None:
        """Take the parameters of an epoch that has ended into their average."""
        if self.closing is not None:
            self._alone("", self.closing, key).run()

    def _alone(self, title: str, compiler: Compiler, key: Array) -> Part:
        """A graph that no batch is fed to."""
        needed = frozenset().union(*(type_symbols(node.type) for node in compiler.graph))
        sizes = {n: s for n, s in self.initialiser.sizes.items() if n in needed}
        return Part(title, compiler, {}, key, sizes)


Sharing = Callable[[StepGraph, Store, Initialiser, Settings], Player]
"""Makes players that share a batch's gradients out."""
