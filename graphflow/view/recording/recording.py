"""All turns of a walk, and the steps they were made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES
from graphflow.ops.evaluate import Computed
from graphflow.runtime.guard import summarise
from graphflow.runtime.loops import Within
from graphflow.spec.elaborate.calltree import CallTree
from graphflow.view.copies import Copies
from graphflow.view.recording.boxed import value_text
from graphflow.view.recording.named import found
from graphflow.view.recording.turn import Ran, Scope, Turn
from graphflow.view.scene import Outline, Places, outlined
from graphflow.view.steps import Step, Written, drawn_id


@dataclass(frozen=True, eq=False)
class Recording:
    """What happened in a walk through a model whose calls are ``calls``; all values that were kept
    take ``bytes``. ``images`` are inputs whose rows are flat images, with their shapes.
    """

    turns: tuple[Turn, ...]
    bytes: int
    calls: CallTree
    images: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    @cached_property
    def outline(self) -> Outline:
        """The structure of what ran forward, in all turns."""
        graphs = [turn.graph for turn in self.turns]
        return outlined(graphs, self.calls, [turn.of for turn in self.turns])

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every node that ran, in order."""
        made: list[Step] = []
        places = Places(self.outline)
        for number, turn in enumerate(self.turns):
            entered = set[Within]()
            for ran in turn.ran:
                brought = tuple(_brought(turn, ran.within, entered, places))
                made.append(_step(len(made), number, turn, ran, places, brought))
        return tuple(made)

    @cached_property
    def given(self) -> tuple[Mapping[str, str], ...]:
        """For each turn what is written on the boxes of its leaves before its first step."""
        known = {id for id, box in self.outline.boxes.items() if box.stand != "inside"}
        return tuple(
            {
                node.name: value_text(value, summarise(value))
                for node in turn.graph
                if node.name in known and node.op in (*LEAVES, "constant")
                and isinstance(value := turn.values.get(node.name), np.ndarray)
            }
            for turn in self.turns
        )  # fmt: skip

    @cached_property
    def ran(self) -> tuple[Ran, ...]:
        """The runs behind the steps."""
        return tuple(ran for turn in self.turns for ran in turn.ran)

    @property
    def seconds(self) -> float:
        """What the nodes took together; a loop counts once, unrolled or not."""
        return sum(ran.seconds for ran in self.ran if not ran.within)

    @cached_property
    def _firsts(self) -> tuple[Mapping[tuple[object, ...], int], ...]:
        """For each turn the step in which each node ran."""
        found: tuple[dict[tuple[object, ...], int], ...] = tuple({} for _ in self.turns)
        for step in self.steps:
            found[step.turn].setdefault((self.ran[step.index].within, step.node), step.index)
        return found

    def first(self, turn: int, within: Within, node: str) -> int:
        """The step in which a node ran; -1 for a leaf."""
        return self._firsts[turn].get((within, node), -1)

    def scope(self, index: int) -> Scope:
        """The graph and the values around a step."""
        step = self.step(index)
        return self.turns[step.turn].scopes[self.ran[index].within]

    def step(self, index: int) -> Step:
        """One step."""
        if not 0 <= index < len(self.steps):
            fail("GF082", f"there is no step {index}: there are {len(self.steps)}",
                 help="steps are counted from 0")  # fmt: skip
        return self.steps[index]

    def value(self, index: int, id: str) -> Computed:
        """The value at a drawn id as the step ``index`` leaves it: in the same time step of a loop,
        after it in the last one.
        """
        turn = self.step(index).turn
        within, node = found(self, id, index)
        at = self.first(turn, within, node)
        if at > index:
            fail("GF082", f"'{id}' has not run yet", help=f"go to step {at + 1}")
        return self.turns[turn].scopes[within].values[node]

    def is_gradient(self, step: Step) -> bool:
        """Whether a step gave the whole gradient of its place, not a part of it."""
        if step.phase != "backward":
            return False
        of, dot, rest = step.node.rpartition(".grad")
        turn = self.turns[step.turn]
        if not step.within and step.node in turn.graph.gradients.values():
            return True
        return bool(dot) and not rest and drawn_id(of, step.within) == step.place

    def is_unrolled(self, step: Step) -> bool:
        """Whether a step is a loop's whose time steps are walked inside: it counts twice."""
        ran = self.ran[step.index]
        return (*ran.within, (ran.node, 0)) in self.turns[step.turn].scopes

    @cached_property
    def failing(self) -> int | None:
        """The step where what is not finite began, if it has spoilt anything: a NaN, or what is
        asked for. An infinity that a mask puts in and softmax takes out again spoils nothing.
        """
        for step in self.steps:
            if not step.flag:
                continue
            graph = self.scope(step.index).graph
            asked = not step.within and step.node in {*graph.roots(), *graph.gradients.values()}
            if step.flag == "nan" or asked:
                return self._begun(step)
        return None

    def _begun(self, spoilt: Step) -> int:
        """The first step that led to a spoilt one through values that are not finite."""
        seen, todo = {spoilt.index}, [spoilt.index]
        while todo:
            ran, graph = self.ran[at := todo.pop()], self.scope(at).graph
            runs = self._firsts[self.steps[at].turn]
            found = (runs.get((ran.within, name)) for name in graph.nodes[ran.node].inputs)
            further = {i for i in found if i is not None and self.steps[i].flag} - seen
            seen |= further
            todo += further
        return min(seen)

    def failing_place(self, copies: Copies) -> str:
        """Where that is seen, with these copies of loops."""
        return "" if self.failing is None else self.steps[self.failing].seen_in(copies)


def _brought(turn: Turn, within: Within, entered: set[Within], places: Places) -> Iterator[Written]:
    """What the time steps find that begin with a run in ``within``, having not been entered before:
    the inputs of a body that are its own.
    """
    for depth in range(1, len(within) + 1):
        inner = within[:depth]
        if inner in entered:
            continue
        entered.add(inner)
        scope = turn.scopes[inner]
        for leaf in scope.graph.leaves("input") if turn.loops(inner) == inner else ():
            at, value = drawn_id(leaf.name, inner), scope.values[leaf.name]
            if at in places.outline.boxes and not isinstance(value, tuple):
                yield Written(at, value_text(np.asarray(value), summarise(value)))


def _step(
    index: int, number: int, turn: Turn, ran: Ran, places: Places, brought: tuple[Written, ...]
) -> Step:
    """A run as a step."""
    graph = turn.scopes[ran.within].graph
    origin = graph.origin(ran.node)
    within = turn.loops(ran.within)
    seen = places.placed(graph, ran.node, within)
    return Step(
        index=index,
        turn=number,
        node=ran.node,
        op=graph.nodes[ran.node].op,
        phase=turn.phase(ran.within, ran.node),
        place=seen.place,
        within=within,
        edge=seen.edge,
        block=seen.block,
        text=ran.text,
        flag=ran.flag,
        mark=origin.mark,
        written=_written(turn, ran, places, within, seen.place),
        brought=brought,
        seen_at=seen.seen_at | {drawn_id(ran.node, within)},
    )


def _written(turn: Turn, ran: Ran, places: Places, within: Within, place: str) -> Written | None:
    """What a run writes on a box: a gradient on that of its value, a leaf's new value on the leaf,
    any other value on its own.
    """
    graph = turn.scopes[ran.within].graph
    if ran.gradient is not None:
        at = places.of(graph, ran.gradient.of, within)
        return Written(at, ran.gradient.text, ran.gradient.norm) if at else None
    phase = turn.phase(ran.within, ran.node)
    if phase == "update":
        made = graph.updates.get(place) == ran.node and not within
        return Written(place, ran.brief) if made else None
    own = phase == "forward" and place == drawn_id(ran.node, within)
    return Written(place, ran.brief) if own and ran.brief else None
