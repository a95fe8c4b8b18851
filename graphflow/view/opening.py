"""From a workspace to a model."""

from __future__ import annotations

from graphflow.api import Model, load, load_run, loads
from graphflow.diagnostics import fail
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.view.workspace import Workspace


def open_model(workspace: Workspace, max_nodes: int = NODE_LIMIT) -> Model:
    """The model that is open, at its first values or at those of its run's checkpoint."""
    sources = [s for s in (workspace.graph, workspace.text, workspace.run) if s]
    if len(sources) != 1:
        fail("GF033", "a workspace opens one thing: a graph, a text or a run",
             help="set exactly one of graph, text and run")  # fmt: skip
    overrides = dict(workspace.overrides)
    if workspace.run:
        if overrides:
            fail("GF006", "overrides change a graph file, and a run's is as it was trained",
                 help="leave them out, or open the graph")  # fmt: skip
        model = load_run(workspace.run, workspace.checkpoint or None)
    elif workspace.text:
        model = loads(workspace.text, overrides, max_nodes=max_nodes)
    else:
        model = load(workspace.graph, overrides, max_nodes=max_nodes)
    if workspace.seed is not None:
        model.seed = workspace.seed
    return model
