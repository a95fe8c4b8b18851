"""How far back in time gradients reach: their norms over the time steps of loops."""

from __future__ import annotations

from collections.abc import Iterator

from graphflow.ops.control import ScanParts
from graphflow.view.copies import timeless
from graphflow.view.recording.boxed import norm
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.turn import Turn
from graphflow.view.shown import OverTime
from graphflow.view.steps import drawn_id


def over_time(recording: Recording) -> tuple[OverTime, ...]:
    """For each loop that is walked inside, and each value that it carries, the norm of the gradient
    of what enters each time step. Of several turns the last one counts, and of a loop in a loop
    the turn of the outer one that backward comes to last.
    """
    found: dict[str, dict[str, dict[int, float]]] = {}
    carried = {place: loop for turn in recording.turns for place, loop in _carried(turn)}
    for step, ran in zip(recording.steps, recording.ran, strict=True):
        place = timeless(step.place)
        if place in carried and recording.is_gradient(step):
            norms = found.setdefault(carried[place], {}).setdefault(place, {})
            norms[step.within[-1][1]] = norm(ran.summary)
    return tuple(
        OverTime(loop, {place: tuple(sorted(norms.items())) for place, norms in values.items()})
        for loop, values in found.items()
    )


def _carried(turn: Turn) -> Iterator[tuple[str, str]]:
    """Where the values are drawn that loops carry, and their loops."""
    for within in turn.scopes:
        if within and turn.loops(within) == within:
            loop = within[-1][0]
            parts = ScanParts.of(turn.scopes[within[:-1]].graph.nodes[loop])
            for name in parts.names[: parts.carries]:
                yield drawn_id(name, within), drawn_id(loop, within[:-1])
