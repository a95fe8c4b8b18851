"""Every canned graph is walked through, in every way that it has, from any machine."""

import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.view.study import Study
from graphflow.view.workspace import Look, Workspace
from tests.canned import graphs


@pytest.mark.parametrize("name", graphs())
def test_a_canned_graph_is_walked_to_its_end_in_every_way(name):
    for walk in Study(Workspace(graph=name)).overview().walks:
        study = Study(Workspace(graph=name, walk=walk))
        overview = study.overview()
        assert overview.steps == len(study.steps) == sum(n for _, n in overview.counts) > 0
        assert all(step.text for step in study.steps)
        assert not study.failing()
        value = study.value(len(study.steps) - 1, study.steps[-1].node)
        assert value is not None
        drawing = study.drawing(Look())
        drawn = {node.id for node in drawing.nodes} | {group.id for group in drawing.groups}
        for kind in ("values", "gradients", "time", "memory", "changes"):
            assert study.overlay(kind, Look()).marks.keys() <= drawn
        assert study.overlay("values").marks


@pytest.mark.parametrize("name", ["xyz", "sigmoid_neuron", "conv_padding_stride"])
def test_a_graph_without_training_is_told_so(name):
    with pytest.raises(GraphflowError) as raised:
        Study(Workspace(graph=name, walk="training"))
    assert [d.code for d in raised.value.diagnostics] == ["GF067"]


def test_every_value_of_a_schedule_is_there_at_its_own_step():
    study = Study(Workspace(graph="mlp_math", walk="training"))
    for step in study.steps:
        assert study.value(step.index, step.id) is not None
