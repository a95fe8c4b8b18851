"""``graphflow run``: train a file, or go on with a run."""

from __future__ import annotations

import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, STOPPED, print_json, print_table, say, shown_number
from graphflow.cli.source import (
    AsJson,
    MaxNodes,
    Sets,
    assignments,
    open_model,
    parse_bytes,
    slug,
)
from graphflow.diagnostics import fail

if TYPE_CHECKING:
    from graphflow.runs import Settings, Way
    from graphflow.training.loop import Loop
    from graphflow.training.progress import Best, Outcome

NAME = "run"


def command(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="A path, or the name of a canned graph."),
    ] = None,
    sets: Sets = None,
    epochs: Annotated[int | None, typer.Option(min=0, help="Passes over the data, in all.")] = None,
    steps: Annotated[int | None, typer.Option(min=0, help="Steps, in all.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of all randomness.")] = None,
    backend: Annotated[str | None, typer.Option(help="numpy.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, float64 or float16.")] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="4GB", help="Refuse plans that need more.")
    ] = None,
    guard: Annotated[
        bool, typer.Option("--guard", help="Stop at the first value that is not finite (slow).")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run's folder, else runs/NAME-TIME.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Go on with the run in this folder.")
    ] = None,
    save_every: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Between checkpoints in an epoch.")
    ] = 60.0,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Train a file on its data and write a run folder. Ctrl-C stops, saves, and can be resumed."""
    from graphflow.cli.progress import watching
    from graphflow.gallery import find
    from graphflow.runs import Settings, Way
    from graphflow.spec.elaborate.session import NODE_LIMIT

    if file is None and resume is None:
        fail("GF006", "missing argument 'FILE'", help="graphflow run FILE, or --resume DIR")
    if out is not None and resume is not None:
        fail("GF006", "--out and --resume both name the run's folder", help="leave out --out")
    folder = str(find(file).resolve().parent) if file else ""
    given = Settings(file or "", folder, assignments(sets), seed, dtype, backend, epochs, steps)
    way = Way(parse_bytes(memory) if memory else None, guard, max_nodes or NODE_LIMIT, save_every)
    loop = _loop(given, out, resume, way)
    before = loop.progress.step
    with watching() as watcher:
        loop.callbacks = (watcher,)
        outcome = loop.run()
    if resume is not None and outcome.progress.step == before and not outcome.interrupted:
        early = "stopped early" if outcome.stopped_early else "complete"
        say(f"the run is {early}; go on with --epochs N or --steps N")
    assert loop.run_folder is not None
    return _told(loop.run_folder.path, outcome, as_json)


def _loop(given: Settings, out: Path | None, resume: Path | None, way: Way) -> Loop:
    """The run to go on with, or a new one."""
    from graphflow.gallery import find
    from graphflow.runs import resumed, started
    from graphflow.training.run_folder import fresh_folder

    if resume is not None:
        return resumed(resume, given, way)
    model = open_model(given.file, given.overrides, way.max_nodes)
    settings = replace(given, dtype=given.dtype or "float32", backend=given.backend or "numpy")
    return started(model, settings, out or fresh_folder(slug(find(given.file))), way)


def _about_best(best: Best, outcome: Outcome) -> str:
    """``best was epoch 7 with test/loss 0.1234``."""
    value = f"{best.metric} {shown_number(best.value)}"
    early = "stopped early; " if outcome.stopped_early else ""
    kept = "; its values are the result" if outcome.restored else ""
    return f"{early}best was epoch {best.epoch} with {value}{kept}"


def _told(path: Path, outcome: Outcome, as_json: bool) -> int:
    """Print how training ended; the exit code for it."""
    done, best = outcome.progress, outcome.best
    if as_json:
        print_json({
            "run": str(path), "steps": done.step, "epochs": done.epoch,
            "metrics": dict(outcome.metrics), "seconds": outcome.seconds,
            "interrupted": outcome.interrupted, "stopped_early": outcome.stopped_early,
            "best": None if best is None else asdict(best), "restored": outcome.restored,
        })  # fmt: skip
    else:
        rows = [(name, shown_number(value)) for name, value in outcome.metrics.items()]
        print_table(("metric", ">value"), rows)
        if best is not None:
            print(_about_best(best, outcome))
        print(f"{done.step} steps, {done.epoch} epochs, {outcome.seconds:.1f} s; saved in {path}")
    if not outcome.interrupted:
        return GOOD
    where = shlex.quote(str(path))
    say(f"stopped after step {done.step}, saved in {path}; "
        f"continue with graphflow run --resume {where}")  # fmt: skip
    return STOPPED
