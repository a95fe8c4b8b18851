"""Stages of a pipeline as actors of Ray: processes of this machine, or of a cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphflow.diagnostics import fail
from graphflow.distributed.cluster import AGAIN, all_of, join, wait_for
from graphflow.distributed.parameter_server import Update
from graphflow.distributed.pipelined import filled_and_drained
from graphflow.distributed.stage import MicroBatch, Stage, Values
from graphflow.distributed.stages import Stages
from graphflow.ops.op import Array
from graphflow.runtime.compile import Settings

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle


class RayStage(Stage):
    """A stage in a process of its own; what it passes on goes from there to who needs it."""

    def part(self, backward: bool, fed: MicroBatch, *received: Values
             ) -> Values | tuple[Values, ...]:  # fmt: skip
        """Forward or backward of a micro-batch, as Ray's tasks give it: one result, or several."""
        made = (self.backward if backward else self.forward)(fed, *received)
        return made[0] if len(made) == 1 else made


class RayStages:
    """The workers of a pipeline; ``address`` is a cluster's, without it they are processes of this
    machine. What they keep is lost when one of them dies: the run ends (GF044), and goes on from
    its last checkpoint.
    """

    def __init__(self, stages: Stages, settings: Settings, address: str | None = None) -> None:
        join(address)
        import ray

        count = stages.count
        threads = 1 if address else max(1, (os.cpu_count() or 1) // count)
        make = ray.remote(num_cpus=1 if address else 0)(RayStage).options(
            scheduling_strategy="SPREAD"
        )
        self._stages = stages
        self._actors: list[ActorHandle[RayStage]] = [
            make.remote(stages.pieces[k], stages.pieces[2 * count - 1 - k],  # type: ignore[misc]
                        stages.updates[k], settings, threads)
            for k in range(count)
        ]  # fmt: skip
        wait_for([actor.ready.remote() for actor in self._actors])

    def make(self, batches: Sequence[Sequence[MicroBatch]]) -> list[Values]:
        """Forward and backward of micro-batches; what the step gives of each. Raises GF044 where a
        worker dies.
        """
        found = filled_and_drained(self._stages, batches, self._begin)
        values = iter(all_of([each for parts in found for each in parts], self.close))
        return [{n: v for _ in parts for n, v in next(values).items()} for parts in found]

    def update(self, update: Update) -> None:
        """Every stage makes its update."""
        all_of([actor.update.remote(update) for actor in self._actors], self.close)

    def take(self, stage: int, values: Values) -> None:
        """Leaves of a stage have these values from now on."""
        all_of([self._actors[stage].take.remote(values)], self.close)

    def value(self, stage: int, name: str) -> Array:
        """What a leaf of a stage is now. Raises GF044 where the workers have ended."""
        if not self._actors:
            fail("GF044", f"'{name}' is lost with the workers that kept it", help=AGAIN)
        return np.asarray(all_of([self._actors[stage].value.remote(name)], self.close)[0])

    def close(self) -> None:
        """End the workers, and what they keep."""
        import ray

        for actor in self._actors:
            ray.kill(actor)
        self._actors = []

    def _begin(
        self, piece: int, fed: MicroBatch, given: Sequence[ObjectRef[Values]]
    ) -> list[ObjectRef[Values]]:
        """Let a piece begin as soon as what it is given is there; what will come of it."""
        actor: Any = self._actors[self._stages.stage(piece)]  # Ray types no method of *values
        results = 1 + len(self._stages.pieces[piece].passes)
        made = actor.part.options(num_returns=results).remote(
            piece >= self._stages.count, fed, *given
        )
        return [made] if results == 1 else list(made)
