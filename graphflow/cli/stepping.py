"""Steppers made ready for a file: what is differentiated or made, and what is fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from graphflow.diagnostics import fail
from graphflow.ir.graph import LEAVES
from graphflow.model import Model
from graphflow.ops.op import Array
from graphflow.runtime.stepper import GraphStepper, Stepper
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
    model: Model, walk: str | None, of: str | None, given: Mapping[str, Array], iteration: int
) -> Way:
    """The walk that is asked for; unless told, and where neither ``of`` nor ``given`` is about a
    pass, the steps of a ``run:`` that change something are walked.
    """
    kind = _kind(model, walk, bool(given) or of is not None)
    if kind == "training" and (given or of is not None):
        fail("GF006", f"{'--of' if of else '--feed'} is about one pass forward and backward",
             help="leave it out, or say --walk gradient")  # fmt: skip
    if kind == "gradient" and not iteration:
        return _pass(model, of, given)
    meter = Meter(Limits())
    training = TrainingWalk(model, Workspace())
    training.advance(iteration, meter)
    return _steps(training, meter) if kind == "training" else _pass(model, of, given)


def _kind(model: Model, told: str | None, passes: bool) -> Walk:
    """What is walked: what is told, else one pass where ``passes``, else what suits the file."""
    if told is None:
        return "gradient" if passes else kind_of(Workspace(), model.elaborated)
    for kind in KINDS:
        if told == kind:
            return kind
    fail("GF006", f"there is no walk '{told}'", help=f"one of {', '.join(KINDS)}")


def _steps(walk: TrainingWalk, meter: Meter) -> Way:
    """The turns of the next step."""
    turns = walk.record((), meter, ())
    section = "train" if walk.model.elaborated.run is None else "run"
    about = f"step {walk.iteration + 1} of {section}:"
    if walk.fed != NOTHING:
        about += f", fed from {walk.fed}"
    return Way(
        [(turn.title, GraphStepper(turn.graph, _leaves(turn))) for turn in turns],
        "\n".join([about, *walk.warnings]),
        f"what {section}: does",
    )


def _leaves(turn: Turn) -> dict[str, Array]:
    """The values that a turn began with."""
    found = {node.name: turn.values[node.name] for node in turn.graph if node.op in LEAVES}
    return {name: value for name, value in found.items() if not isinstance(value, tuple)}


def _pass(model: Model, of: str | None, given: Mapping[str, Array]) -> Way:
    """Forward and backward of ``of``: what the file's check differentiates, or its loss, unless
    told; then the other outputs are walked, too. The file's own feed serves where ``given`` does
    not.
    """
    chosen = choose(model, of, given)
    program, cotangent = compiled(model, chosen)
    stepper = Stepper(program, chosen.values, cotangent)
    sources = [chosen.source] * bool(chosen.source) + ["--feed"] * bool(given)
    fed = f", fed from {' and '.join(sources)}" if sources else ""
    warning = flat(stepper.graph, chosen.of, chosen.by)
    names = [f"'{name}'" for name in (chosen.of, *chosen.also)]
    about = f"{', '.join(names)}{fed}" + (f"\n{warning}" if warning else "")
    return Way([("", stepper)], about, names[0])
