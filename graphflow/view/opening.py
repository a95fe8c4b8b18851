"""From a workspace to a model."""

from __future__ import annotations

from pathlib import Path

from graphflow.api import at_checkpoint, load, load_run, loads, run_graph
from graphflow.diagnostics import GraphflowError, fail
from graphflow.gallery import find
from graphflow.model import Model
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
        model = _trained(workspace, max_nodes)
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
        run = RunFolder.open(Path(workspace.run))
        return read_text(run.graph_file if as_written(run) is None else run.source_file)
    return read_text(find(workspace.graph))


def _trained(workspace: Workspace, max_nodes: int) -> Model:
    """The model of a run, as it was written where that is known."""
    run = RunFolder.open(Path(workspace.run))
    model = as_written(run, max_nodes) or run_graph(run, run.settings(), max_nodes)
    return at_checkpoint(model, run, workspace.checkpoint or None)


def as_written(run: RunFolder, max_nodes: int = NODE_LIMIT) -> Model | None:
    """The graph of a run with the calls that its author wrote, at first values. None where the
    folder has no such file (an older run), or where blocks have changed since, so that it would not
    be the graph that was trained.
    """
    if not run.source_file.is_file():
        return None
    try:
        model = run_graph(run, run.settings(), max_nodes, run.source_file)
    except GraphflowError:
        return None
    return model if model.expanded() == read_text(run.graph_file) else None


def take_over(model: Model, trained: Model) -> None:
    """Begin with the values of another model, where a parameter or state of the same name has the
    same shape; the others keep their own first values.
    """
    types = model.store.types
    found = trained.weights().items()
    fitting = {n: value for n, value in found if n in types and value.shape == types[n].shape}
    model.store.restore(fitting)
