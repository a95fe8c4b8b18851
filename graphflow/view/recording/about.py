"""The overview of a study."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import get_args

from graphflow.ir.graph import Phase
from graphflow.ir.types import TensorType
from graphflow.model import Model
from graphflow.runtime.loops import loops
from graphflow.training.run_folder import RunFolder
from graphflow.view.overview import Leaf, LeafKind, Loop, Overview
from graphflow.view.recording.gradient import GradientWalk
from graphflow.view.recording.recording import Recording
from graphflow.view.recording.training import TrainingWalk, moves
from graphflow.view.recording.turn import Turn
from graphflow.view.workspace import Walk, Workspace


def overview_of(
    workspace: Workspace, walk: GradientWalk | TrainingWalk, recording: Recording
) -> Overview:
    """A study at a glance."""
    model = walk.model
    document, elaborated = model.document, model.elaborated
    turns = recording.turns
    counts = Counter(step.phase for step in recording.steps)
    lengths = dict(loop for turn in turns for loop in loops(turn.graph))
    walks: tuple[Walk, ...] = ("gradient", "training") if moves(elaborated) else ("gradient",)
    return Overview(
        name=document.name,
        about=document.about or "",
        walk="training" if isinstance(walk, TrainingWalk) else "gradient",
        walks=walks,
        of=walk.of,
        by=walk.by,
        targets=targets(model),
        turns=tuple(turn.title for turn in turns),
        steps=len(recording.steps),
        counts=tuple((phase, counts[phase]) for phase in get_args(Phase)),
        nodes=len(model.graph),
        parameters=sum(model.parameters[name].size for name in model.parameters),
        fed=walk.fed,
        iteration=workspace.iteration,
        editable=editable(turns),
        loops=tuple(Loop(name, length) for name, length in lengths.items()),
        seconds=recording.seconds,
        bytes=recording.bytes,
        warnings=walk.warnings,
        sizes=tuple(walk.sizes.items()),
        trained=trained(workspace),
    )


def trained(workspace: Workspace) -> str:
    """The run whose values these are and the moment of it that they are from, in words."""
    if not workspace.run:
        return ""
    folder, which = RunFolder(workspace.run), workspace.checkpoint or None
    words = {None: "its result", "latest": "its last checkpoint", "best": "its best checkpoint"}
    step = folder.checkpoint(which).progress.get("step")
    after = f", after {step:,} updates" if isinstance(step, int) else ""
    return f"run {folder.path.name}, {words.get(which, 'a snapshot')}{after}"


def targets(model: Model) -> tuple[str, ...]:
    """The values that can be differentiated and have one number: losses come first."""
    training, graph = model.elaborated.training, model.graph
    losses = [o.loss for o in training.objectives] if training else []
    scalars = [
        node.name
        for node in graph
        if isinstance(node.type, TensorType)
        and node.type.shape == ()
        and node.type.dtype.is_float
        and node.op not in ("input", "parameter", "state", "constant")
        and graph.origin(node.name).path == node.name
    ]
    return tuple(dict.fromkeys((*losses, *scalars)))


KINDS: tuple[LeafKind, ...] = get_args(LeafKind)


def editable(turns: tuple[Turn, ...]) -> tuple[Leaf, ...]:
    """The inputs, parameters and states of all turns, inputs first."""
    found: dict[str, Leaf] = {}
    for kind, turn in product(KINDS, turns):
        for node in turn.graph.leaves(kind):
            type = node.tensor
            shape = tuple(d for d in type.shape if isinstance(d, int))
            found.setdefault(node.name, Leaf(node.name, kind, shape, str(type.dtype)))
    return tuple(found.values())
