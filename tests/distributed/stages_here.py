"""Workers of a pipeline within this process."""

from __future__ import annotations

from functools import partial

from graphflow.distributed.pipelined import Pipeline, PipelinedPlayer, filled_and_drained
from graphflow.distributed.stage import Stage


class StagesHere:
    """They compute one after the other."""

    def __init__(self, stages, settings) -> None:
        count = stages.count
        self.stages, self.closed = stages, False
        self.made = [
            Stage(stages.pieces[k], stages.pieces[2 * count - 1 - k], stages.updates[k], settings)
            for k in range(count)
        ]

    def make(self, batches):
        def call(number, micro_batch, given):
            worker = self.made[self.stages.stage(number)]
            run = worker.forward if number < self.stages.count else worker.backward
            return run(micro_batch, *given)

        found = filled_and_drained(self.stages, batches, call)
        return [{n: v for part in each for n, v in part.items()} for each in found]

    def update(self, update):
        for worker in self.made:
            worker.update(update)

    def take(self, stage, values):
        self.made[stage].take(values)

    def value(self, stage, name):
        return self.made[stage].value(name)

    def close(self):
        self.closed = True


def pipelined(count: int, micro_batches: int | None = None):
    """What makes players of a pipeline."""
    return partial(PipelinedPlayer, Pipeline(count, StagesHere, micro_batches))
