"""A run made ready: from FILE, or from the folder of an earlier run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from graphflow.api import BACKENDS, Model
from graphflow.cli.source import open_model, slug
from graphflow.diagnostics import fail
from graphflow.files import write_atomically
from graphflow.gallery import find
from graphflow.runtime.compile import PlanKind
from graphflow.training.feed import open_feed
from graphflow.training.loop import Loop, Watcher
from graphflow.training.run_folder import Json, RunFolder


@dataclass(frozen=True)
class Settings:
    """What a run depends on besides its graph; ``run.json`` keeps it, so that it can be resumed.

    ``folder`` is where the file lay: the data files and weights that it names are found there.
    """

    file: str = ""
    folder: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    dtype: str | None = None
    backend: str | None = None
    epochs: int | None = None
    steps: int | None = None

    def to_json(self) -> dict[str, Json]:
        """As ``run.json`` keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, run: RunFolder) -> Settings:
        """What ``to_json`` gave, from a run's folder."""
        about = run.about()
        try:
            return cls(**{name: about[name] for name in cls.__dataclass_fields__})  # type: ignore[arg-type]
        except (KeyError, TypeError):
            fail("GF064", f"'{run.path / 'run.json'}' does not say how the run was made",
                 help="only a run that graphflow run began can be resumed")  # fmt: skip


@dataclass(frozen=True)
class Way:
    """How this machine is to run it this time; no part of the run's identity."""

    memory: int | None = None
    guard: bool = False
    max_nodes: int | None = None


def started(given: Settings, out: Path | None, way: Way, watcher: Watcher) -> Loop:
    """A new run. Its folder is made last: what is refused leaves none behind."""
    model = open_model(given.file, given.overrides, way.max_nodes)
    settings = replace(given, dtype=given.dtype or "float32", backend=given.backend or "numpy")
    loop = _loop(model, settings, way, watcher)
    about = replace(settings, seed=loop.trainer.seed).to_json()
    loop.run_folder = RunFolder.create(out, slug(find(given.file)), model.expanded(), about)
    return loop


def resumed(path: Path, given: Settings, way: Way, watcher: Watcher) -> Loop:
    """The run in a folder, from its last checkpoint on.

    A FILE, with overrides, takes the place of the run's own graph: what the checkpoint holds must
    fit it. Other epochs or steps may be given. The folder is brought up to date.
    """
    folder = RunFolder.open(path)
    settings = _changed(Settings.of(folder), given)
    if given.file:
        model = open_model(given.file, settings.overrides, way.max_nodes)
        write_atomically(folder.graph_file, model.expanded().encode())
    else:
        model = _own_graph(folder, settings, way)
    loop = _loop(model, settings, way, watcher)
    loop.run_folder = folder
    if any(folder.checkpoints()):
        loop.resume(folder.latest())
    else:
        folder.cut_metrics(0)
    about = folder.about() | settings.to_json()
    write_atomically(path / "run.json", json.dumps(about, indent=2).encode())
    return loop


def _changed(kept: Settings, given: Settings) -> Settings:
    """The settings to go on with. Seed, number type and backend are the run's for good."""
    for name in ("seed", "dtype", "backend"):
        before, now = getattr(kept, name), getattr(given, name)
        if now not in (None, before):
            fail("GF064", f"the run has {name} {before}, not {now}",
                 help=f"leave out --{name}, or begin a new run")  # fmt: skip
    if given.overrides and not given.file and dict(given.overrides) != dict(kept.overrides):
        fail("GF006", "--set changes a FILE, and --resume alone has none",
             help="give the FILE too: graphflow run FILE --set ... --resume DIR")  # fmt: skip
    if given.file:
        kept = replace(kept, file=given.file, folder=given.folder)
        kept = replace(kept, overrides=given.overrides or kept.overrides)
    if given.epochs is not None or given.steps is not None:
        kept = replace(kept, epochs=given.epochs, steps=given.steps)
    return kept


def _own_graph(folder: RunFolder, settings: Settings, way: Way) -> Model:
    """The graph that a run's folder holds. Overrides are part of it already; those of ``data``
    are given again because a path from the command line may lie anywhere.
    """
    data = {k: v for k, v in settings.overrides.items() if k.startswith("data.")}
    model = open_model(str(folder.graph_file), data, way.max_nodes)
    model.folder = Path(settings.folder)
    return model


def _loop(model: Model, settings: Settings, way: Way, watcher: Watcher) -> Loop:
    if settings.backend not in BACKENDS:
        fail("GF069", f"there is no backend '{settings.backend}'",
             help=f"one of {', '.join(BACKENDS)}")  # fmt: skip
    dtype = settings.dtype or "float32"
    plan: PlanKind = "guarded" if way.guard else "fast"
    if settings.seed is not None:
        model.seed = settings.seed
    trainer = model.trainer(dtype=dtype, seed=settings.seed, plan=plan, memory=way.memory)
    feed = open_feed(model.elaborated, model.folder, trainer.seed, settings.steps)
    return Loop(trainer, feed, epochs=settings.epochs, steps=settings.steps, watcher=watcher)
