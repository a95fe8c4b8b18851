"""The order of a walk: operands first, what belongs together in one go."""

import pytest

from graphflow.api import loads
from graphflow.runtime.walking_order import walking_order
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace


@pytest.mark.parametrize("name", ["mlp", "gan", "translator"])
def test_operands_run_first_and_each_node_once(name):
    for turn in Study(Workspace(graph=name, walk="training")).recording.turns:
        seen = {n.name for n in turn.graph} - {ran.node for ran in turn.ran}
        for ran in turn.ran:
            assert seen.issuperset(turn.graph.nodes[ran.node].inputs)
            assert ran.node not in seen
            seen.add(ran.node)
        assert seen == set(turn.graph.nodes)


def test_phases_follow_one_another():
    study = Study(Workspace(graph="mlp", walk="training"))
    phases = [step.phase for step in study.steps]
    assert phases == sorted(phases, key=["forward", "backward", "update"].index)


@pytest.mark.parametrize(
    "lines",
    ["inputs: {w: scalar}, nodes: {loss: w * w}", "params: {w: {shape: [2], init: ones}},"
     " nodes: {square: w * w, loss: sum(square)}"],
)  # fmt: skip
def test_a_result_of_leaves_alone_comes_before_its_gradient(lines):
    model = loads(f"{{graphflow: 1, name: s, {lines}}}")
    order = walking_order(model.compile(of="loss", wrt="w").graph)
    assert order.index("loss") < order.index("loss.grad")


def stretches(study: Study, phase: str) -> list[tuple[str, ...]]:
    """The blocks that the steps of a phase go through."""
    blocks = [step.block for step in study.steps if step.phase == phase]
    return [b for i, b in enumerate(blocks) if i == 0 or blocks[i - 1] != b]


def test_a_layer_is_one_stretch_of_the_way_forward():
    found = stretches(Study(Workspace(graph="mlp")), "forward")
    assert len(found) == len(set(found)) > 3


def test_the_way_back_seldom_returns_to_a_layer():
    found = stretches(Study(Workspace(graph="gan")), "backward")
    assert len(found) < 2 * len(set(found))
