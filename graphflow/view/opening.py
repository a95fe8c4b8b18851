"""From a workspace to a model."""

from __future__ import annotations

from pathlib import Path

from graphflow.api import Model, load, load_run, loads
from graphflow.diagnostics import fail
from graphflow.gallery import find
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.spec.yaml12 import read_text
from graphflow.training.run_folder import RunFolder
from graphflow.view.workspace import Workspace


def open_model(workspace: Workspace, max_nodes: int = NODE_LIMIT) -> Model:
    """The model that is open, at its first values or at those of its run's checkpoint."""
    if not workspace.is_one:
        fail("GF033", "a workspace opens one thing: a graph, a text or a run",
             help="set one of graph, text and run")  # fmt: skip
    overrides = dict(workspace.overrides)
    if workspace.text:
        folder = Path(workspace.folder) if workspace.folder else None
        model = loads(workspace.text, overrides, max_nodes=max_nodes, folder=folder)
        if workspace.run:
            take_over(model, load_run(workspace.run, workspace.checkpoint or None))
    elif workspace.run:
        if overrides:
            fail("GF006", "overrides change a graph file, and a run's is as it was trained",
                 help="leave them out, or open the graph")  # fmt: skip
        model = load_run(workspace.run, workspace.checkpoint or None)
    else:
        model = load(workspace.graph, overrides, max_nodes=max_nodes)
    if workspace.seed is not None:
        model.seed = workspace.seed
    return model


def text_of(workspace: Workspace) -> str:
    """The text of the file that is open. Raises GraphflowError where there is no such file."""
    if workspace.text:
        return workspace.text
    if workspace.run:
        return read_text(RunFolder.open(Path(workspace.run)).graph_file)
    return read_text(find(workspace.graph))


def take_over(model: Model, trained: Model) -> None:
    """Begin with the values of another model, where a parameter or state of the same name has the
    same shape; the others keep their own first values.
    """
    types = model.store.types
    found = trained.weights().items()
    fitting = {n: value for n, value in found if n in types and value.shape == types[n].shape}
    model.store.restore(fitting)
