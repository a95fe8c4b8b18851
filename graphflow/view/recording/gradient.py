"""Forward and backward of one value, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from graphflow.diagnostics import fail
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.compile import Prepared
from graphflow.runtime.program import Program
from graphflow.view.choosing import Chosen, choose_to_look, compiled, flat
from graphflow.view.recording.edits import as_edited, edited_values, known_name
from graphflow.view.recording.limits import Meter
from graphflow.view.recording.turn import Runner, Turn
from graphflow.view.workspace import Edit, Workspace


class GradientWalk:
    """One turn: a value and its gradients at one point."""

    def __init__(self, model: Model, workspace: Workspace) -> None:
        self.model = model
        wished = dict(workspace.sizes)
        self.chosen: Chosen = choose_to_look(model, workspace.of or None, wished)
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

    @property
    def sizes(self) -> Mapping[str, int]:
        """The open sizes of the inputs, as they are fed."""
        return self.chosen.sizes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be known before one trusts the numbers."""
        found = (self.chosen.warning, flat(self.model.graph, self.of, self.by))
        return tuple(warning for warning in found if warning)

    def record(
        self, edits: Sequence[Edit], meter: Meter, unrolled: Sequence[str]
    ) -> tuple[Turn, ...]:
        """The turn, with the numbers that edits leave."""

        def current(name: str, so_far: Mapping[str, Array]) -> Array:
            return self._current(name, so_far, meter)

        title = f"gradient of {self.of}" if self.by else self.of
        made = self._prepared(edited_values(edits, current))
        return (Runner(meter, unrolled).run(title, self.of, made.graph, made.leaves),)

    def _prepared(self, values: Mapping[str, Array]) -> Prepared:
        """The graph, with ``values`` in the place of others."""
        store = self.model.store
        fed = {name: value for name, value in values.items() if name not in store}
        made = self.program.prepared({**self.chosen.values, **fed}, self.cotangent)
        leaves = dict(made.leaves)
        for name, value in values.items():
            if name in store and name in leaves:
                leaves[name] = value.astype(leaves[name].dtype)
        return replace(made, leaves=leaves)

    def _current(self, name: str, so_far: Mapping[str, Array], meter: Meter) -> Array:
        """What stands where an edit writes, when those before it are made."""
        graph = self.program.graph
        node = known_name(graph, name)
        if name in self.chosen.values:
            return as_edited(graph[node].tensor, self.chosen.values[name])
        made = self._prepared(so_far)
        if node in made.leaves:
            return made.leaves[node]
        turn = Runner(Meter(meter.limits)).run("", "", made.graph, made.leaves)
        value = turn.values.get(node)
        if not isinstance(value, np.ndarray):
            fail("GF020", f"no step computes '{name}'", help="write over something else")
        return value
