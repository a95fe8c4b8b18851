"""One step of a schedule: which node ran, and where in the drawing that is seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphflow.diagnostics import Mark
from graphflow.ir.graph import Phase
from graphflow.view.copies import Copies, in_copy, is_at, timed


@dataclass(frozen=True)
class Written:
    """What a step writes on the box of ``at``: in a backward step its gradient as far as it is
    known by then (``norm`` where that is all of it), else its value.
    """

    at: str
    text: str
    norm: float | None = None


@dataclass(frozen=True)
class Step:
    """One node's run.

    ``within`` are the loops that it runs inside, from outside in, each with the time step it is at.
    ``place`` is the node of the forward graph where the step is seen: the node itself; for a
    backward node its forward twin, or the value whose gradient it is; for an update what it
    updates. ``edge`` is the edge that the step runs along, in the forward direction. ``block`` is
    the group of the drawing that the place stands in, outermost first. ``text`` says what happened,
    in one line; ``flag`` is ``"nan"`` or ``"inf"`` where the result is not finite. ``brought``
    is what a time step that begins here finds: its element, and what is carried on. ``seen_at`` are
    the drawn ids under which a breakpoint stops here: of the node, of its place and of the groups
    around that. A name that a node and a group share is the node's.
    """

    index: int
    turn: int
    node: str
    op: str
    phase: Phase
    place: str
    within: tuple[tuple[str, int], ...] = ()
    edge: tuple[str, str] | None = None
    block: tuple[str, ...] = ()
    text: str = ""
    flag: str = ""
    mark: Mark | None = None
    written: Written | None = None
    brought: tuple[Written, ...] = ()
    seen_at: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """The node's name outside of its loops: its drawn id."""
        return drawn_id(self.node, self.within)

    def seen_in(self, copies: Copies) -> str:
        """Its place, where these loops are unrolled in time: in the copy of its time step."""
        return in_copy(self.place, self.within, copies)

    def is_seen_at(self, ids: Iterable[str]) -> bool:
        """Whether a breakpoint on one of these drawn ids stops here; one on the copy of a time step
        stops at that time.
        """
        return any(
            name in self.seen_at and is_at(times, self.within) for name, times in map(timed, ids)
        )


def drawn_id(node: str, within: Sequence[tuple[str, int]] = ()) -> str:
    """The name of a node in a drawing: its own, after those of the loops that it stands in.

    >>> drawn_id("c", [("lstm", 3)])
    'lstm/c'
    """
    return "/".join([*(name for name, _ in within), node])
