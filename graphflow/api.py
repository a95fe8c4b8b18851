"""The Python API: load a file, compile programs.

>>> model = loads('''
... graphflow: 1
... name: f = (x + y) z
... inputs: {x: scalar, y: scalar, z: scalar}
... nodes: {q: x + y, f: q * z}
... outputs: [f]
... ''')
>>> program = model.compile(of="f", wrt=["x", "y", "z"])
>>> result = program({"x": -2, "y": 5, "z": -4})
>>> float(result.values["f"]), [float(g) for g in result.gradients.values()]
(-12.0, [-4.0, -4.0, 3.0])
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from graphflow.diagnostics import fail
from graphflow.gallery import find
from graphflow.model import Model, model_of
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.spec.values import Plain
from graphflow.spec.yaml12 import read_text
from graphflow.training.averages import with_averages
from graphflow.training.run_folder import RunFolder
from graphflow.training.run_settings import RunSettings


def load(
    path: str | PathLike[str],
    overrides: Mapping[str, Plain] | None = None,
    *,
    max_nodes: int = NODE_LIMIT,
    folder: str | PathLike[str] | None = None,
) -> Model:
    """The model of a graph file, or of a canned graph by its name (``load("mlp")``).

    Raises GraphflowError with everything wrong in it.

    ``overrides`` are what ``--set`` gives: ``{"hidden": 512, "train.epochs": 2}``. A file that
    grows to more than ``max_nodes`` nodes is refused. Data files, weights and further blocks are
    found in ``folder``, beside the file if it is left out.
    """
    if not isinstance(path, str | PathLike):
        fail("GF001", f"a graph file is named by text or a path, not {path!r}")
    file = find(path if isinstance(path, str) else Path(path))
    home = file.parent if folder is None else Path(folder)
    return model_of(read_text(file), str(path), overrides, home, max_nodes)


def loads(
    text: str, overrides: Mapping[str, Plain] | None = None, *, max_nodes: int = NODE_LIMIT,
    folder: Path | None = None,
) -> Model:  # fmt: skip
    """The model of a graph file given as text. The files that it names are found in ``folder``."""
    if not isinstance(text, str):
        fail("GF013", f"a graph file is text, not {type(text).__name__}")
    return model_of(text, "<text>", overrides, folder, max_nodes)


def load_run(path: str | PathLike[str], checkpoint: str | None = None) -> Model:
    """The trained model of a run's folder: its graph, with the values of a checkpoint, averaged
    weights where training made them.

    ``checkpoint`` is ``"latest"`` or ``"best"`` (where the file's ``train:`` section keeps one);
    without it the run's result, which is the latest unless the file says ``restore_best``.
    """
    run = RunFolder.open(Path(path))
    return at_checkpoint(run_graph(run, run.settings()), run, checkpoint)


def at_checkpoint(model: Model, run: RunFolder, checkpoint: str | None) -> Model:
    """The graph of a run, with the values that :func:`load_run` tells of."""
    arrays = with_averages(model.elaborated, run.checkpoint(checkpoint).arrays)
    model.store.restore({n: a for n, a in arrays.items() if n in model.store})
    return model


def run_graph(
    run: RunFolder, settings: RunSettings, max_nodes: int = NODE_LIMIT, file: Path | None = None
) -> Model:
    """The graph that a run's folder holds, at first values, with what the run's data have taught.

    Overrides are part of it already, but for those of the data section. It is read from the run's
    long form, which does not depend on the library; or from another ``file`` of the run.
    """
    file = file or run.graph_file
    text = read_text(file)
    model = model_of(text, str(file), None, settings.home, max_nodes, settings.overrides)
    model.learned = run.learned()
    if settings.seed is not None:
        model.seed = settings.seed
    return model
