"""Forward and backward of one value, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphflow.api import Model
from graphflow.ops.op import Array
from graphflow.runtime.program import Program
from graphflow.view.choosing import Chosen, choose, compiled
from graphflow.view.recording.limits import Meter
from graphflow.view.recording.turn import Runner, Turn
from graphflow.view.workspace import Workspace


class GradientWalk:
    """One turn: a value and its gradients at one point."""

    def __init__(self, model: Model, workspace: Workspace) -> None:
        self.model = model
        self.chosen: Chosen = choose(model, workspace.of or None)
        self.program: Program
        self.program, self.cotangent = compiled(model, self.chosen, workspace.dtype, workspace.seed)

    @property
    def of(self) -> str:
        """What is differentiated."""
        return self.chosen.of

    @property
    def by(self) -> tuple[str, ...]:
        """What it is differentiated by."""
        return self.chosen.by

    @property
    def fed(self) -> str:
        """Where the values of the inputs are from."""
        return self.chosen.source

    def record(
        self, feed: Mapping[str, Array], leaves: Mapping[str, Array], meter: Meter,
        unrolled: Sequence[str],
    ) -> tuple[Turn, ...]:  # fmt: skip
        """The turn, with other values of fed nodes and of leaves where they are given."""
        prepared = self.program.prepared({**self.chosen.values, **feed}, self.cotangent)
        title = f"gradient of {self.of}" if self.by else self.of
        runner = Runner(meter, unrolled)
        known = {**prepared.leaves, **leaves}
        return (runner.run(title, self.of, prepared.graph, known),)
