"""Steppers made ready for a file: what is differentiated or made, and what is fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES, Graph
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.loops import Level, known_loops, loops
from graphflow.runtime.stepper import GraphStepper
from graphflow.view.choosing import choose, compiled, flat
from graphflow.view.recording.limits import Limits, Meter
from graphflow.view.recording.training import NOTHING, TrainingWalk
from graphflow.view.recording.turn import Turn
from graphflow.view.recording.walks import kind_of
from graphflow.view.workspace import Walk, Workspace

KINDS: tuple[Walk, ...] = get_args(Walk)


@dataclass(frozen=True)
class Way:
    """What is walked through, turn by turn: each with a title. ``about`` says it in a line; names
    that are not walked are not on the way to ``end``.
    """

    turns: Sequence[tuple[str, GraphStepper]]
    about: str
    end: str


def way_through(
    model: Model,
    walk: str | None,
    of: str | None,
    given: Mapping[str, Array],
    iteration: int,
    unrolled: Sequence[str] = (),
) -> Way:
    """The walk that is asked for; unless told, and where neither ``of`` nor ``given`` is about a
    pass, the steps of a ``run:`` that change something are walked. Loops that are ``unrolled`` are
    walked inside, within the limits of the studio.
    """
    kind = _kind(model, walk, bool(given) or of is not None)
    if kind == "training" and (given or of is not None):
        fail("GF006", f"{'--of' if of else '--feed'} is about one pass forward and backward",
             help="leave it out, or say --walk gradient")  # fmt: skip
    meter = Meter(Limits())
    if kind == "gradient" and not iteration:
        return _pass(model, of, given, unrolled, meter)
    training = TrainingWalk(model, Workspace())
    training.advance(iteration, meter)
    if kind == "training":
        return _steps(training, unrolled, meter)
    return _pass(model, of, given, unrolled, meter)


def _kind(model: Model, told: str | None, passes: bool) -> Walk:
    """What is walked: what is told, else one pass where ``passes``, else what suits the file."""
    if told is None:
        return "gradient" if passes else kind_of(Workspace(), model.elaborated)
    for kind in KINDS:
        if told == kind:
            return kind
    fail("GF006", f"there is no walk '{told}'", help=f"one of {', '.join(KINDS)}")


def _steps(walk: TrainingWalk, unrolled: Sequence[str], meter: Meter) -> Way:
    """The turns of the next step."""
    turns = walk.record((), meter, ())
    section = "train" if walk.model.elaborated.run is None else "run"
    about = f"step {walk.iteration + 1} of {section}:"
    if walk.fed != NOTHING:
        about += f", fed from {walk.fed}"
    graphs = [(turn.graph, _leaves(turn)) for turn in turns]
    steppers = _steppers(graphs, unrolled, meter)
    return Way(
        [(turn.title, stepper) for turn, stepper in zip(turns, steppers, strict=True)],
        "\n".join([about, *walk.warnings, *_folded(steppers, unrolled)]),
        f"what {section}: does",
    )


def _leaves(turn: Turn) -> dict[str, Array]:
    """The values that a turn began with."""
    found = {node.name: turn.values[node.name] for node in turn.graph if node.op in LEAVES}
    return {name: value for name, value in found.items() if not isinstance(value, tuple)}


def _pass(
    model: Model,
    of: str | None,
    given: Mapping[str, Array],
    unrolled: Sequence[str],
    meter: Meter,
) -> Way:
    """Forward and backward of ``of``: what the file's check differentiates, or its loss, unless
    told; then the other outputs are walked, too. The file's own feed serves where ``given`` does
    not.
    """
    chosen = choose(model, of, given)
    program, cotangent = compiled(model, chosen)
    made = program.prepared(chosen.values, cotangent)
    steppers = _steppers([(made.graph, made.leaves)], unrolled, meter)
    sources = [chosen.source] * bool(chosen.source) + ["--feed"] * bool(given)
    fed = f", fed from {' and '.join(sources)}" if sources else ""
    warning = flat(made.graph, chosen.of, chosen.by)
    names = [f"'{name}'" for name in (chosen.of, *chosen.also)]
    about = [f"{', '.join(names)}{fed}", *[warning] * bool(warning), *_folded(steppers, unrolled)]
    return Way([("", steppers[0])], "\n".join(about), names[0])


def _steppers(
    turns: Sequence[tuple[Graph, Mapping[str, Array]]], unrolled: Sequence[str], meter: Meter
) -> list[GraphStepper]:
    """A stepper for each turn, if the time steps of the loops are not too many."""
    known_loops(unrolled, [graph for graph, _ in turns])
    if unrolled:
        for graph, _ in turns:
            for _ in Level.of(graph, unrolled).places():
                meter.step()
    return [GraphStepper(graph, leaves, unrolled) for graph, leaves in turns]


def _folded(steppers: Sequence[GraphStepper], unrolled: Sequence[str]) -> list[str]:
    """A line about the loops that are walked in one step."""
    found = dict(loop for stepper in steppers for loop in loops(stepper.graph))
    folded = [name for name in found if name not in unrolled]
    if not folded:
        return []
    listed = ", ".join(f"'{name}' ({found[name]} time steps)" for name in folded)
    return [f"in one step each: {listed}; --unroll {folded[0]} walks inside"]
