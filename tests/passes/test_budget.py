from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphflow.ir.graph import Graph
from graphflow.ops.control import graph_flops
from graphflow.passes import optimise
from graphflow.passes.budget import fit_memory
from graphflow.schedule.plan import make_plan
from tests.runtime.budgeted_models import batch, model


def step(name: str) -> Graph:
    return optimise(model(name).trainer().graphs(batch(name))[0])


def peak(graph: Graph) -> int:
    return make_plan(graph).peak_bytes


def test_a_graph_that_fits_is_left_alone():
    graph = step("mlp")
    fit = fit_memory(graph, peak(graph), peak)
    assert fit.graph is graph and not fit.again and fit.extra_flops == 0


@pytest.mark.parametrize("name", ["mlp", "lstm"])
def test_the_work_that_is_told_is_the_work_that_is_added(name: str):
    graph = step(name)
    fit = fit_memory(graph, int(0.8 * peak(graph)), peak)
    assert fit.peak_bytes == peak(fit.graph) <= 0.8 * peak(graph)
    assert graph_flops(fit.graph) == graph_flops(graph) + fit.extra_flops
    assert len(fit.graph) == len(graph) + len(fit.again)
    assert len(set(fit.again)) == len(fit.again)


def test_few_graphs_are_planned():
    planned = []

    def counted(graph: Graph) -> int:
        planned.append(graph)
        return peak(graph)

    graph = step("lstm")
    fit_memory(graph, int(0.75 * peak(graph)), counted)
    assert len(planned) < 60


def test_forward_and_what_is_given_stay_as_they_are():
    graph = step("transformer")
    fit = fit_memory(graph, peak(graph) // 2, peak)
    assert fit.graph.outputs == graph.outputs and fit.graph.updates == graph.updates
    forward = [n for n in graph if graph.origin(n.name).phase == "forward"]
    assert all(fit.graph.nodes[n.name] == n for n in forward)
    backward = [n for n in fit.graph if fit.graph.origin(n.name).phase != "forward"]
    read = {name for n in backward for name in n.inputs}
    assert np.all([twin not in read for twin in fit.again])


def test_where_workers_meet_they_meet_once():
    graph = step("mlp")
    met = [n.name for n in graph if n.op == "tanh"][::2]
    nodes = dict(graph.nodes)
    for name in met:
        nodes[name] = replace(nodes[name], op="all_reduce_mean", attrs=(("place", name),))
    meeting = replace(graph, nodes=nodes)
    fit = fit_memory(meeting, 1, peak)
    assert fit.again and not set(met) & set(fit.again)
