"""``graphflow run``: train a file, or go on with a run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import STOPPED, say
from graphflow.cli.source import (
    AsJson,
    MaxNodes,
    OptionalDtype,
    OptionalFile,
    Overrides,
    Seed,
    Sets,
    assignments,
    names_a_run,
    open_model,
    parse_bytes,
)
from graphflow.diagnostics import fail
from graphflow.files import slug

if TYPE_CHECKING:
    from graphflow.cross_validation import Folds
    from graphflow.model import Model
    from graphflow.runs import Way
    from graphflow.training.loop import Loop
    from graphflow.training.progress import Outcome
    from graphflow.training.run_settings import RunSettings

NAME = "run"


Epochs = Annotated[int | None, typer.Option(min=0, help="Passes over the data, in all.")]
Steps = Annotated[int | None, typer.Option(min=0, help="Steps, in all.")]
FoldCount = Annotated[
    int | None,
    typer.Option(metavar="K", help="Cross-validate: K trainings, as data.folds."),
]
Backend = Annotated[str | None, typer.Option(help="numpy, or cupy: an NVIDIA GPU.")]
Kernels = Annotated[
    str | None, typer.Option(help="numpy, numba or onednn, else as the run is long.")
]
ExactConv = Annotated[
    bool, typer.Option("--exact-conv", help="No convolution rounds more than its definition.")
]
PrecisionName = Annotated[
    str | None, typer.Option("--precision", help="Products in fp32, tf32 (GPU) or bf16.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that share every batch (needs Ray).")
]
ServerCount = Annotated[
    int | None, typer.Option("--servers", min=1, help="Processes that have the parameters.")
]
Staleness = Annotated[
    int | None, typer.Option(min=0, help="Steps that a worker may be ahead of the slowest.")
]
PipelineCount = Annotated[
    int | None,
    typer.Option("--pipeline", metavar="K", min=1, help="Processes that have some layers each."),
]
MicroBatches = Annotated[
    int | None, typer.Option(metavar="M", min=1, help="Of a batch in a pipeline, else 4 K.")
]
Address = Annotated[
    str | None, typer.Option(help="Of the Ray cluster that has the workers; auto: this machine's.")
]
Bucket = Annotated[
    str | None, typer.Option(metavar="4MB", help="Gradients that workers send at one time.")
]
Memory = Annotated[str | None, typer.Option(metavar="4GB", help="What a plan may need.")]
Guard = Annotated[
    bool, typer.Option("--guard", help="Stop at the first value that is not finite (slow).")
]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The run's folder, else runs/NAME-TIME.")
]
Resume = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Go on with the run in this folder.")
]
FirstWeights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Begin with these: .safetensors or .npz.")
]
Only = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Of --weights: 'features.*'.")
]
Exclude = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Not of --weights: 'head.*'.")
]
SaveEvery = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Between checkpoints in an epoch.")
]
Logs = Annotated[list[str] | None, typer.Option(help="tensorboard or mlflow, too. Repeatable.")]


def command(
    file: OptionalFile = None,
    sets: Sets = None,
    overrides: Overrides = None,
    epochs: Epochs = None,
    steps: Steps = None,
    folds: FoldCount = None,
    seed: Seed = None,
    backend: Backend = None,
    kernels: Kernels = None,
    exact_conv: ExactConv = False,
    workers: Workers = None,
    servers: ServerCount = None,
    staleness: Staleness = None,
    pipeline: PipelineCount = None,
    micro_batches: MicroBatches = None,
    address: Address = None,
    bucket: Bucket = None,
    dtype: OptionalDtype = None,
    precision: PrecisionName = None,
    memory: Memory = None,
    guard: Guard = False,
    out: Out = None,
    resume: Resume = None,
    weights: FirstWeights = None,
    only: Only = None,
    exclude: Exclude = None,
    save_every: SaveEvery = 60.0,
    log: Logs = None,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Train a file, or make the steps of its run: section. Ctrl-C stops, saves, can be resumed."""
    from graphflow.cli.progress import watcher
    from graphflow.cross_validation import Folds
    from graphflow.distributed.gradient_graph import BUCKET
    from graphflow.gallery import find
    from graphflow.runs import Way
    from graphflow.spec.elaborate.session import NODE_LIMIT
    from graphflow.training.run_settings import RunSettings

    _check_paths(file, out, resume)
    folder = str(find(file).resolve().parent) if file else ""
    changes = assignments(sets, overrides)
    if folds is not None:
        changes["data.folds"] = str(folds)
    given = RunSettings(file or "", folder, changes, seed, dtype, backend, epochs, steps,
                     tuple(log or ()), kernels, exact_conv or None, workers,
                     servers, staleness, precision, pipeline, micro_batches)  # fmt: skip
    way = Way(parse_bytes(memory) if memory else None, guard, max_nodes or NODE_LIMIT,
              save_every, (watcher(),), address,
              parse_bytes(bucket) if bucket else BUCKET)  # fmt: skip
    with _stopped_before(lambda: True):
        training = _training(given, out, resume, way, Weights(weights, only or [], exclude or []))
    if isinstance(training, Folds):
        return _folds_run(training, as_json)
    return _run(training, resume, as_json)


def _folds_run(folds: Folds, as_json: bool) -> int:
    """Train every fold and show what they have come to; the exit code for it."""
    from graphflow.cli.endings import told_folds

    found = folds.run()
    assert folds.run_folder is not None
    return told_folds(folds.run_folder.path, found, as_json)


def _run(training: Loop, resume: Path | None, as_json: bool) -> int:
    """Train, to the end or to Ctrl-C, and show what it has come to; the exit code for it."""
    if training.note is not None:
        say(training.note)
    before = training.progress.step
    with _stopped_before(lambda: training.progress.step == before):
        outcome = training.run()
    if resume is not None and outcome.progress.step == before and not outcome.interrupted:
        _say_over(outcome, resume)
    assert training.run_folder is not None
    return _ended(training, training.run_folder.path, outcome, as_json)


@contextmanager
def _stopped_before(first: Callable[[], bool]) -> Iterator[None]:
    """Ctrl-C that ends a run at once says that nothing is lost, if it is still before the first
    step.
    """
    try:
        yield
    except KeyboardInterrupt:
        if not first():
            raise
        say("stopped before the first step: nothing is computed yet, begin with the same command")
        raise typer.Exit(STOPPED) from None


def _say_over(outcome: Outcome, resume: Path) -> None:
    """Say why a run that was to go on made no step."""
    early, way_on = "complete", "--epochs N or --steps N"
    if outcome.stopped_early:
        early = "stopped early"
        way_on = (f"more patience: graphflow run FILE --resume {shlex.quote(str(resume))} "
                  "--set train.early_stopping.patience=N")  # fmt: skip
    say(f"the run is {early}; go on with {way_on}")


def _ended(training: Loop, path: Path, outcome: Outcome, as_json: bool) -> int:
    """Show what one training has come to; the exit code for it."""
    from graphflow.cli.endings import told, told_iteration
    from graphflow.cli.generate import show_sample
    from graphflow.cli.report import report_after
    from graphflow.training import Iteration

    if training.trainer.elaborated.document.figures:
        report_after(path)
    if isinstance(training.trainer, Iteration):
        return told_iteration(path, training, training.trainer, outcome, as_json)
    code = told(path, outcome, as_json)
    if not (as_json or outcome.interrupted):
        show_sample(training, path)
    return code


def _check_paths(file: str | None, out: Path | None, resume: Path | None) -> None:
    """A file or a run to go on with is named, and one folder."""
    if file is None and resume is None:
        fail("GF006", "missing argument 'FILE'", help="graphflow run FILE, or --resume DIR")
    if file is not None and names_a_run(file):
        fail("GF006", f"'{file}' is the folder of a run", help=f"go on with it: --resume {file}")
    if out is not None and resume is not None:
        fail("GF006", "--out and --resume both name the run's folder", help="leave out --out")


@dataclass(frozen=True)
class Weights:
    """What a new run begins with."""

    file: Path | None
    only: list[str]
    exclude: list[str]

    def load(self, model: Model) -> None:
        """Set the model's weights and say which; folds begin with the file's own."""
        from graphflow.runs import folds_of

        if self.file is not None and folds_of(model) is not None:
            fail("GF006", "--weights begins one run, and folds are several",
                 help="name the file under layers: NAME: {weights: FILE}")  # fmt: skip
        if self.file is not None:
            found = model.load_weights(self.file, only=self.only, exclude=self.exclude)
            say(f"{self.file}: {found}")
        elif self.only or self.exclude:
            fail("GF006", "--only and --exclude choose from --weights FILE")


def _training(
    given: RunSettings, out: Path | None, resume: Path | None, way: Way, weights: Weights
) -> Loop | Folds:
    """What is to be trained: a run to go on with, or a new one; several, where they are folds."""
    from graphflow.cross_validation import Folds
    from graphflow.gallery import find
    from graphflow.runs import continued, earlier, folds_of, started
    from graphflow.training.run_folder import fresh_folder

    if resume is not None:
        if weights.file is not None:
            fail("GF006", "--resume goes on with the run's own weights", help="leave out --weights")
        run = earlier(resume, given, way)
        count = folds_of(run.model)
        if count is None:
            return _told_of_kernels(continued(run, way), run.settings)
        return Folds.resumed(run, _titled(way, count))
    model = open_model(given.file, given.overrides, way.max_nodes)
    settings = replace(given, dtype=given.dtype or "float32", backend=given.backend or "numpy")
    path = out or fresh_folder(slug(find(given.file)))
    weights.load(model)
    count = folds_of(model)
    if count is None:
        return _told_of_kernels(started(model, settings, path, way), settings)
    return Folds.started(model, settings, path, _titled(way, count))


def _told_of_kernels(loop: Loop, given: RunSettings) -> Loop:
    """Say what the first step waits for."""
    if given.workers is not None:
        beside = "" if given.servers is None else f", servers: {given.servers}"
        ahead = f", staleness: {given.staleness}" if given.staleness else ""
        say(f"workers: {given.workers}{beside}{ahead}, started before the first step, which takes "
            "about ten seconds")  # fmt: skip
    if given.pipeline is not None:
        say(f"pipeline: {given.pipeline} stages, started before the first step, which takes about "
            "ten seconds")  # fmt: skip
    settings = loop.trainer.settings
    if settings.precision == "bf16" and settings.backend == "numpy":
        say("precision: bf16, computed in float32 and rounded, which takes longer than fp32 here")
    if settings.precision == "tf32" and settings.backend == "numpy":
        say("precision: tf32, which only a GPU has: products are in float32 here, as with fp32")
    kernels = settings.kernels
    if kernels != "numpy":
        say(f"kernels: {kernels}, compiled before the first step or read from where they are kept; "
            "with --kernels numpy it begins at once")  # fmt: skip
    return loop


def _titled(way: Way, folds: int) -> Way:
    """With a line before each of several trainings."""
    from graphflow.cli.progress import FoldTitles

    return replace(way, callbacks=(FoldTitles(folds), *way.callbacks))
