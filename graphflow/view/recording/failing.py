"""The first value that is not finite: where it came from, and where it went."""

from __future__ import annotations

from graphflow.ir.graph import LEAVES
from graphflow.runtime.guard import FED, LOOK, described, is_finite
from graphflow.view.overlay import Failing
from graphflow.view.recording.recording import Recording


def failing(recording: Recording) -> Failing | None:
    """The step where what is not finite began; None where nothing is spoilt."""
    if recording.failing is None:
        return None
    step = recording.steps[recording.failing]
    scope = recording.scope(step.index)
    operands = tuple(dict.fromkeys(scope.graph.nodes[step.node].inputs))
    leaves = [n for n in operands if scope.graph.nodes[n].op in LEAVES]
    fed = not step.within and any(not is_finite(scope.values[n]) for n in leaves)
    return Failing(
        step.index,
        step.place,
        f"{step.node} ({step.op}, {step.phase}) is the first value that is not finite: "
        f"{described(scope.values[step.node])}",
        tuple(f"{name} is {described(scope.values[name])}" for name in operands),
        _spread(recording, step.index),
        FED if fed else LOOK,
    )


def _spread(recording: Recording, first: int) -> tuple[int, ...]:
    """The steps that it went on to: those that read it and are not finite either."""
    start = recording.steps[first]
    reached = {(start.turn, recording.ran[first].within, start.node)}
    found: list[int] = []
    for step in recording.steps[first + 1 :]:
        within = recording.ran[step.index].within
        graph = recording.turns[step.turn].scopes[within].graph
        reads = {(step.turn, within, name) for name in graph.nodes[step.node].inputs}
        if step.flag and not reads.isdisjoint(reached):
            reached.add((step.turn, within, step.node))
            found.append(step.index)
    return tuple(found)
