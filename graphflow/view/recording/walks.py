"""The walk that a workspace asks for, opened anew or gone on with."""

from __future__ import annotations

from dataclasses import replace

from graphflow.view.opening import open_model
from graphflow.view.recording.gradient import GradientWalk
from graphflow.view.recording.limits import Limits, Meter
from graphflow.view.recording.training import TrainingWalk
from graphflow.view.workspace import Workspace

AnyWalk = GradientWalk | TrainingWalk


def opened_walk(
    workspace: Workspace, limits: Limits, known: tuple[Workspace, AnyWalk] | None = None
) -> AnyWalk:
    """The walk of a workspace, as many steps made as it says; a ``known`` one goes on where it is
    of the same model.
    """
    meter = Meter(limits)
    if known is not None and _model_of(known[0]) == _model_of(workspace):
        walk = known[1]
        if isinstance(walk, GradientWalk):
            return walk
        if walk.reaches(workspace.iteration):
            walk.advance(workspace.iteration, meter)
            return walk
    model = open_model(workspace, limits.nodes)
    if workspace.walk == "training":
        training = TrainingWalk(model, workspace)
        training.advance(workspace.iteration, meter)
        return training
    gradient = GradientWalk(model, workspace)
    if workspace.iteration:
        TrainingWalk(model, workspace).advance(workspace.iteration, meter)
    return gradient


def _model_of(workspace: Workspace) -> Workspace:
    """What of a workspace decides about the model and its programs."""
    iteration = workspace.iteration if workspace.walk == "gradient" else 0
    return replace(workspace, edits=(), unrolled=(), iteration=iteration)
