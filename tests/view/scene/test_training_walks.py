"""Steps of whole training steps, updates included, have places in one drawing of all turns."""

from __future__ import annotations

import pytest

from graphflow.view.opening import open_model
from graphflow.view.recording.limits import Limits
from graphflow.view.recording.training import moves
from graphflow.view.study import Study
from graphflow.view.workspace import Look, Workspace
from tests.canned import graphs


@pytest.mark.parametrize("name", graphs())
def test_every_step_of_a_training_step_has_a_place_that_is_seen(name):
    if not moves(open_model(Workspace(graph=name), Limits().nodes).elaborated):
        pytest.skip("there is nothing to train")
    study = Study(Workspace(graph=name, walk="training", dtype="float32"))
    groups = tuple(study.recording.outline.groups)
    for look in (Look(), Look(opened=groups, folded=False)):
        drawing = study.drawing(look)
        boxes = {node.id for node in drawing.nodes}
        for step in study.steps:
            ends = step.edge or ()
            assert all(drawing.shown_as.get(n, n) in boxes for n in (step.place, *ends)), step.node
            assert set(step.block) <= set(groups)


def test_an_update_is_seen_at_the_parameter_that_it_updates():
    study = Study(Workspace(graph="airfoil", walk="training"))
    updates = [step for step in study.steps if step.phase == "update"]
    assert {step.place for step in updates} == {"w", "b"}
    of_w = study.recording.turns[0].graph.updates["w"]
    assert [step.place for step in updates if step.node == of_w] == ["w"]


def test_both_turns_of_a_gan_are_in_one_drawing():
    study = Study(Workspace(graph="gan", walk="training"))
    assert [turn.of for turn in study.recording.turns] == ["d_loss", "g_loss"]
    losses = {node.id for node in study.drawing(Look()).nodes if node.kind == "loss"}
    assert losses == {"d_loss", "g_loss"}


def test_what_a_state_becomes_leads_back_to_it():
    drawing = Study(Workspace(graph="gd_1d", walk="training")).drawing(Look())
    assert [(e.source, e.target) for e in drawing.edges if e.back] == [("x.next", "x")]


def test_a_drawing_is_made_once_for_a_look():
    study = Study(Workspace(graph="xyz"))
    assert study.drawing(Look()) is study.drawing(Look())
    assert study.drawing(Look(direction="LR")).rev != study.drawing(Look()).rev
