"""Which node a drawn id means at a step: from the names of drawings and pages back to a graph's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from graphflow.diagnostics import did_you_mean, fail
from graphflow.runtime.loops import Within
from graphflow.view.copies import Span, is_at, timed

if TYPE_CHECKING:
    from graphflow.view.recording.recording import Recording


def found(recording: Recording, id: str, index: int) -> tuple[Within, str]:
    """The scope, and the node in it, whose value a drawn id means as the step ``index`` leaves it,
    -1 being before the first.

    Inside a loop it is that of the same time step; seen from outside, of the one walked last; in
    the copy of a time step, ``lstm@3/c``, of this one. A name that no node has but a group means
    what the group gives.
    """
    turn = recording.step(index).turn if index >= 0 else 0
    whole, times = timed(id)
    names = [whole, *([end] if (end := recording.outline.ends.get(whole)) else [])]
    for name in names:
        for _, within, node in _meant(recording, turn, name, times, range(index, -1, -1)):
            return within, node
    ahead = range(index + 1, len(recording.steps))
    for name in names:
        for at, within, node in _meant(recording, turn, name, times, ahead):
            first = max(at, recording.first(turn, within, node))
            fail("GF082", f"'{id}' has not run yet", help=f"go to step {first + 1}")
    loop, inside, _ = whole.rpartition("/")
    if inside and whole in recording.outline.boxes:
        fail("GF082", f"'{id}' has no value: the time steps of '{loop}' were not walked",
             help=f"walk inside '{loop}'")  # fmt: skip
    known = [*recording.outline.boxes, *recording.turns[turn].graph.nodes]
    fail("GF020", f"no node is called '{id}'", help=did_you_mean(id, known))


def _meant(
    recording: Recording, turn: int, id: str, times: Sequence[Span | None], indices: Iterable[int]
) -> Iterator[tuple[int, Within, str]]:
    """The nodes that have a drawn id around these steps of a turn, at these times: step, scope and
    node.
    """
    *loops, name = id.split("/")
    scopes = recording.turns[turn].scopes
    if not loops:
        if name in scopes[()].graph:
            yield -1, (), scopes[()].graph.resolve(name)
        return
    for index in indices:
        step, ran = recording.steps[index], recording.ran[index]
        around = [loop for loop, _ in step.within[: len(loops)]] == loops
        if step.turn != turn or not around or not is_at(times, step.within):
            continue
        for within in (ran.within[: len(loops)], step.within[: len(loops)]):
            if within in scopes and name in scopes[within].graph:
                yield index, within, scopes[within].graph.resolve(name)
