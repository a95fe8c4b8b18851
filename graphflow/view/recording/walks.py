"""The walk that a workspace asks for, opened anew or gone on with."""

from __future__ import annotations

from dataclasses import replace

from graphflow.spec.elaborate import Elaborated
from graphflow.view.opening import open_model
from graphflow.view.recording.gradient import GradientWalk
from graphflow.view.recording.limits import Limits, Meter
from graphflow.view.recording.training import TrainingWalk, moves
from graphflow.view.workspace import Walk, Workspace

AnyWalk = GradientWalk | TrainingWalk


def opened_walk(
    workspace: Workspace, limits: Limits, known: tuple[Workspace, AnyWalk] | None = None
) -> AnyWalk:
    """The walk of a workspace, as many steps made as it says; a ``known`` one goes on where it is
    of the same model.
    """
    meter = Meter(limits)
    if known is not None:
        before, walk = known
        same = _model_of(before) == _model_of(workspace)
        if isinstance(walk, GradientWalk):
            if same and before.iteration == workspace.iteration:
                return walk
        elif same and walk.reaches(workspace.iteration):
            walk.advance(workspace.iteration, meter)
            return walk
    model = open_model(workspace, limits.nodes)
    if kind_of(workspace, model.elaborated) == "training":
        training = TrainingWalk(model, workspace)
        training.advance(workspace.iteration, meter)
        return training
    gradient = GradientWalk(model, workspace)
    if workspace.iteration:
        TrainingWalk(model, workspace).advance(workspace.iteration, meter)
    return gradient


def kind_of(workspace: Workspace, elaborated: Elaborated) -> Walk:
    """What is walked: what the workspace says; else the steps of a run that change something,
    unless a value is named, and forward and backward of all other files.
    """
    if workspace.walk:
        return workspace.walk
    steps = elaborated.run is not None and moves(elaborated) and not workspace.of
    return "training" if steps else "gradient"


def _model_of(workspace: Workspace) -> Workspace:
    """What of a workspace decides about the model and its programs, but for the training steps
    that were made.
    """
    return replace(workspace, edits=(), unrolled=(), iteration=0)
