"""Runs: begun from a model, or gone on with from the folder of an earlier run.

A run's ``run.json`` keeps its ``RunSettings``, so that ``graphflow run --resume`` and
:func:`resume` can go on with any run, whether a command line or Python began it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path

from graphflow.api import load, run_graph
from graphflow.backends.sets import BackendName, KernelsName, backend_named, kernels_named
from graphflow.diagnostics import fail
from graphflow.distributed.cluster import check_ray
from graphflow.distributed.data_parallel import SharedPlayer
from graphflow.distributed.gradient_graph import BUCKET
from graphflow.distributed.pipelined import Pipeline, PipelinedPlayer
from graphflow.distributed.ray_pool import RayPool
from graphflow.distributed.ray_replicas import RayReplicas
from graphflow.distributed.ray_servers import servers_in_cluster
from graphflow.distributed.ray_stages import RayStages
from graphflow.distributed.replicas import ReplicatedPlayer
from graphflow.distributed.served import ServedPlayer, Servers
from graphflow.files import write_atomically
from graphflow.ir.precision import Precision, precision_named
from graphflow.model import Model
from graphflow.runtime.compile import PlanKind
from graphflow.runtime.work import estimated_seconds
from graphflow.spec.elaborate.session import NODE_LIMIT
from graphflow.training.callbacks import Callback
from graphflow.training.feed import open_feed
from graphflow.training.logs import check_logs, open_logs
from graphflow.training.loop import SAVE_EVERY, Loop
from graphflow.training.player import Sharing
from graphflow.training.progress import Outcome
from graphflow.training.run_folder import RunFolder
from graphflow.training.run_settings import RunSettings

WORTH_COMPILING = 30.0
"""Seconds of work for NumPy's kernels from which on a run compiles numba's before its first step.
"""


@dataclass(frozen=True)
class Way:
    """How this machine is to run it this time; no part of the run's identity."""

    memory: int | None = None
    guard: bool = False
    max_nodes: int = NODE_LIMIT
    save_every: float = SAVE_EVERY
    callbacks: Sequence[Callback] = ()
    address: str | None = None
    """The cluster that workers are looked for in."""
    bucket: int = BUCKET
    """Bytes of gradients that workers send at one time."""


def train(
    model: Model,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    out: str | PathLike[str] | None = None,
    dtype: str = "float32",
    kernels: KernelsName | None = None,
    exact_conv: bool = False,
    precision: Precision | None = None,
    workers: int | None = None,
    servers: int | None = None,
    staleness: int | None = None,
    pipeline: int | None = None,
    micro_batches: int | None = None,
    address: str | None = None,
    bucket: int = BUCKET,
    callbacks: Sequence[Callback] = (),
    save_every: float = SAVE_EVERY,
    log: Sequence[str] = (),
) -> Outcome:
    """Train a model on its ``data:`` section; the outcome holds the last metrics.

    ``seed`` takes the place of the file's: of first values not drawn yet, of the order of the data
    and of all random draws. ``out`` is a folder for checkpoints and metrics; without it nothing is
    written. There a checkpoint is written after each epoch and every ``save_every`` seconds, and
    ``log`` says for which other programs the metrics are kept: "tensorboard", "mlflow".
    ``kernels`` names the kernel set, "numpy", "numba" or "onednn"; without it a long run compiles
    numba's before its first step, and a short one begins at once. ``exact_conv`` keeps
    convolutions from algorithms that round more than their definition does. ``precision`` takes the
    place of the file's: "fp32", "tf32" for products that a GPU rounds, or "bf16" for products in
    bfloat16. ``workers`` processes share every batch, of this machine or of the Ray cluster at
    ``address``; they send gradients while they compute the rest, ``bucket`` bytes at one time.
    With ``servers``, so many processes have the parameters and make the updates, and a worker may
    be ``staleness`` steps ahead of the slowest. With ``pipeline``, so many processes have some
    layers each, through which every batch goes in ``micro_batches`` pieces.
    """
    if model.elaborated.run is not None:
        fail("GF067", "there is nothing to train: the file has a 'run:' section",
             model.elaborated.run.mark, help="graphflow.run(model) makes its steps")  # fmt: skip
    settings = RunSettings(seed=seed, dtype=dtype, kernels=kernels, exact_conv=exact_conv,
                           epochs=epochs, steps=steps, log=log, workers=workers,
                           servers=servers, staleness=staleness, precision=precision,
                           pipeline=pipeline, micro_batches=micro_batches)  # fmt: skip
    way = Way(save_every=save_every, callbacks=callbacks, address=address, bucket=bucket)
    return _begun(model, settings, out, way)


def run(
    model: Model,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    out: str | PathLike[str] | None = None,
    dtype: str = "float32",
    kernels: KernelsName | None = None,
    exact_conv: bool = False,
    callbacks: Sequence[Callback] = (),
    save_every: float = SAVE_EVERY,
    log: Sequence[str] = (),
) -> Outcome:
    """Make the steps of a model's ``run:`` section; its states are then as the last one left them.

    ``outcome.history["x"].values`` has a row for each step, of what ``history:`` names;
    ``outcome.finished`` says whether ``until`` has come true. All else is as in :func:`train`.

    >>> from graphflow import loads
    >>> model = loads('''
    ... graphflow: 1
    ... name: Heron's square root of 2
    ... state: {x: {shape: scalar, init: 1, dtype: float64}}
    ... nodes: {x_next: (x + 2 / x) / 2}
    ... updates: {x: x_next}
    ... run: {steps: 10, until: abs(x_next - x) < 1e-12, history: [x]}
    ... ''')
    >>> outcome = run(model)
    >>> outcome.finished, outcome.history["x"].values[:4].round(6).tolist()
    (True, [1.0, 1.5, 1.416667, 1.414216])
    """
    if model.elaborated.run is None:
        fail("GF067", "there is nothing to iterate: the file has no 'run:' section",
             help="add run: {steps: 100}; graphflow.train(model) trains")  # fmt: skip
    settings = RunSettings(seed=seed, dtype=dtype, kernels=kernels, exact_conv=exact_conv,
                           epochs=epochs, steps=steps, log=log)  # fmt: skip
    return _begun(model, settings, out, Way(save_every=save_every, callbacks=callbacks))


def _begun(
    model: Model, settings: RunSettings, out: str | PathLike[str] | None, way: Way
) -> Outcome:
    """A new run of a model that Python holds, to its end."""
    settings = replace(
        settings, folder=str(model.folder or ""), overrides=model.overrides, backend="numpy"
    )
    return started(model, settings, Path(out) if out is not None else None, way).run()


def resume(
    path: str | PathLike[str],
    *,
    epochs: int | None = None,
    steps: int | None = None,
    callbacks: Sequence[Callback] = (),
    save_every: float = SAVE_EVERY,
    log: Sequence[str] = (),
) -> Outcome:
    """Go on with the run in a folder, from its last checkpoint on, as if it had never stopped.

    ``epochs`` and ``steps``, counted in all, take the place of those it was begun with.
    """
    way = Way(save_every=save_every, callbacks=callbacks)
    loop = resumed(Path(path), RunSettings(epochs=epochs, steps=steps, log=log), way)
    if loop.note is not None:
        warnings.warn(loop.note, stacklevel=2)
    return loop.run()


def started(model: Model, settings: RunSettings, out: Path | None, way: Way) -> Loop:
    """A new run; without ``out`` it leaves nothing on the disk. Its folder is made last: what is
    refused leaves none behind.
    """
    loop = _loop(model, settings, way)
    logs = open_logs(settings.log, out, model.name, settings.shown)
    if out is not None:
        kernels = loop.trainer.settings.kernels
        precision = loop.trainer.settings.precision
        about = replace(
            settings, seed=loop.trainer.seed, kernels=kernels, precision=precision
        ).to_json()
        folder = RunFolder.create(out, model.expanded(), about, model.written())
        loop.begin(folder, logs)
        if model.seed != loop.trainer.seed or any(map(model.store.filled, model.store.names())):
            loop.save()  # the file and the seed alone do not say where this run begins
    return loop


@dataclass(frozen=True)
class Earlier:
    """A run that was begun before: its folder, what to go on with, its graph."""

    folder: RunFolder
    settings: RunSettings
    model: Model
    changed: bool
    """Whether another file takes the place of the run's own graph."""


def earlier(path: Path, given: RunSettings, way: Way) -> Earlier:
    """The run in a folder. A file, with overrides, takes the place of the run's own graph: what the
    checkpoint holds must fit it. Other epochs or steps may be given.
    """
    folder = RunFolder.open(path)
    settings = _changed(folder.settings(), given)
    if given.file:
        model = load(given.file, settings.overrides, max_nodes=way.max_nodes)
    else:
        model = run_graph(folder, settings, way.max_nodes)
    return Earlier(folder, settings, model, bool(given.file))


def resumed(path: Path, given: RunSettings, way: Way) -> Loop:
    """The run in a folder, from its last checkpoint on; see :func:`earlier`."""
    return continued(earlier(path, given, way), way)


def continued(run: Earlier, way: Way) -> Loop:
    """A run from its last checkpoint on. The folder is brought up to date."""
    run.model.learned = run.folder.learned()
    loop = _loop(run.model, run.settings, way)
    settings, folder = run.settings, run.folder
    if not run.changed:
        loop.feed.identity.check(folder.path)
    loop.resume(folder, open_logs(settings.log, folder.path, run.model.name, settings.shown))
    update(run)
    return loop


def update(run: Earlier) -> None:
    """Bring a run's folder up to date with what it goes on with."""
    if run.changed:
        run.folder.keep(run.model.expanded(), run.model.written())
    about = run.folder.about() | run.settings.to_json()
    write_atomically(run.folder.path / "run.json", json.dumps(about, indent=2).encode())


def _changed(kept: RunSettings, given: RunSettings) -> RunSettings:
    """The settings to go on with. Seed, number type, backend and kernels are the run's for good;
    runs of older versions had NumPy's kernels.
    """
    kept = replace(kept, kernels=kept.kernels or "numpy", exact_conv=bool(kept.exact_conv))
    for name in ("seed", "dtype", "backend", "kernels", "exact_conv", "precision"):
        before, now = getattr(kept, name), getattr(given, name)
        if now not in (None, before):
            fail("GF064", f"the run has {name} {before}, not {now}",
                 help=f"leave out --{name.replace('_', '-')}, or begin a new run")  # fmt: skip
    if given.overrides and not given.file and dict(given.overrides) != dict(kept.overrides):
        fail("GF006", "--set changes a FILE, and --resume alone has none",
             help="give the FILE too: graphflow run FILE --set ... --resume DIR")  # fmt: skip
    if given.file:
        kept = replace(kept, file=given.file, folder=given.folder)
        kept = replace(kept, overrides=given.overrides or kept.overrides)
    kept = replace(kept, log=tuple(dict.fromkeys([*kept.log, *given.log])))
    if given.epochs is not None or given.steps is not None:
        kept = replace(kept, epochs=given.epochs, steps=given.steps)
    staleness = kept.staleness if given.staleness is None else given.staleness
    return replace(kept, workers=given.workers or kept.workers,
                   servers=given.servers or kept.servers, staleness=staleness,
                   pipeline=given.pipeline or kept.pipeline,
                   micro_batches=given.micro_batches or kept.micro_batches)  # fmt: skip


def folds_of(model: Model) -> int | None:
    """How many trainings a file asks for, where it asks for a cross-validation."""
    data = model.elaborated.data
    return data.fold.count if data is not None and data.fold and not data.fold.number else None


def _loop(model: Model, settings: RunSettings, way: Way) -> Loop:
    """What trains a model. From here on the model knows what its data have taught."""
    folds = folds_of(model)
    if folds is not None:
        fail("GF067", f"this file is {folds} trainings: a cross-validation",
             help="call cross_validate, or name one of them: data: {fold: 1}")  # fmt: skip
    for what, count in (("epochs", settings.epochs), ("steps", settings.steps)):
        if count is not None and count < 0:
            fail("GF033", f"{what} is a whole number from 0 on, not {count}")
    check_logs(settings.log)
    plan: PlanKind = "guarded" if way.guard else "fast"
    if settings.seed is not None:
        model.seed = settings.seed
    backend = backend_named(settings.backend or "numpy")
    precision = settings.precision
    compiled = partial(model.stepping, dtype=settings.dtype or "float32", seed=settings.seed,
                       plan=plan, memory=way.memory,
                       exact_conv=bool(settings.exact_conv), backend=backend,
                       precision=None if precision is None else precision_named(precision),
                       shared=_sharing(settings, way, backend))  # fmt: skip
    stepping = compiled(kernels=kernels_named(settings.kernels or "numpy"))
    feed = open_feed(model.elaborated, model.folder, stepping.seed, model.learned)
    model.learned = feed.learned
    looped = partial(Loop, feed=feed, epochs=settings.epochs, steps=settings.steps,
                     callbacks=way.callbacks, save_every=way.save_every)  # fmt: skip
    loop = looped(stepping)
    free = settings.kernels is None and plan == "fast" and backend == "numpy"
    if free and seconds_of_work(loop) > WORTH_COMPILING:
        return looped(compiled(kernels="numba"))
    return loop


def _sharing(settings: RunSettings, way: Way, backend: BackendName) -> Sharing | None:
    """What deals batches out to workers, where a run has any."""
    if settings.pipeline is not None:
        return _pipelined(settings, way, backend)
    if settings.micro_batches is not None:
        fail("GF033", "micro-batches go through a pipeline, and there is none",
             help="--pipeline K --micro-batches M")  # fmt: skip
    if settings.workers is None:
        if way.address is not None:
            fail("GF033", "an address is that of workers, and there are none", help="--workers N")
        if settings.servers is not None:
            fail("GF033", "servers are for workers, and there are none", help="--workers N")
    if settings.servers is None and settings.staleness is not None:
        fail("GF033", "a staleness is that of what servers have, and there are none",
             help="--workers N --servers M")  # fmt: skip
    if settings.workers is None:
        return None
    if backend == "cupy":
        if settings.servers is not None:
            fail("GF033", "workers with a GPU keep what they train: they have no servers",
                 help="leave out --servers, or --backend")  # fmt: skip
        return partial(ReplicatedPlayer, RayReplicas(settings.workers, way.address))
    pool = RayPool(settings.workers, way.address, way.bucket)
    if settings.servers is None:
        return partial(SharedPlayer, pool)
    start = partial(servers_in_cluster, address=way.address)
    return partial(ServedPlayer, Servers(settings.servers, start, settings.staleness or 0), pool)


def _pipelined(settings: RunSettings, way: Way, backend: BackendName) -> Sharing:
    """What has the layers of a model in several workers."""
    others = {"workers": settings.workers, "servers": settings.servers,
              "staleness": settings.staleness}  # fmt: skip
    for name, given in others.items():
        if given is not None:
            fail("GF033", f"a pipeline and {name} exclude each other: its workers have some layers "
                 "each, and every row of a batch", help=f"leave out --pipeline, or --{name}")
    if backend == "cupy":
        fail("GF033", "the workers of a pipeline compute on processors, not on a GPU",
             help="leave out --pipeline, or --backend")  # fmt: skip
    check_ray()
    assert settings.pipeline is not None
    start = partial(RayStages, address=way.address)
    return partial(PipelinedPlayer, Pipeline(settings.pipeline, start, settings.micro_batches))


def seconds_of_work(loop: Loop) -> float:
    """About how long NumPy's kernels would take for a run, as far as can be told before it."""
    if not loop.total_steps:
        return 0.0
    inputs, _ = next(iter(loop.feed.training(0)), ({}, 0))
    return loop.total_steps * sum(map(estimated_seconds, loop.trainer.graphs(inputs)))
