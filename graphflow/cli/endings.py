"""What ``graphflow run`` prints at the end of a training, or of the folds of a cross-validation."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from graphflow.cli.iterated import rows, small_values
from graphflow.cli.output import FAILED, GOOD, STOPPED, print_json, print_table, say, shown_number
from graphflow.cross_validation import CrossValidation, summary
from graphflow.training.iteration import Iteration
from graphflow.training.loop import Loop
from graphflow.training.progress import Best, Outcome


def told(path: Path, outcome: Outcome, as_json: bool) -> int:
    """Print how training ended; the exit code for it."""
    done, best = outcome.progress, outcome.best
    if as_json:
        print_json({"run": str(path), **_outcome(outcome)})
    else:
        _metrics(outcome.metrics)
        if outcome.interrupted and done.epoch and done.rows:
            print(f"the metrics are those of epoch {done.epoch}, the last complete one")
        if best is not None:
            print(_about_best(best, outcome))
        epochs = f"{done.epoch} epoch{'s' * (done.epoch != 1)}, " if done.epoch else ""
        steps = f"{done.step} step{'s' * (done.step != 1)}"
        print(f"{steps}, {epochs}{outcome.seconds:.1f} s; saved in {path}")
    return _interrupted(path, f"step {done.step}") if outcome.interrupted else GOOD


def told_iteration(
    path: Path, loop: Loop, iteration: Iteration, outcome: Outcome, as_json: bool
) -> int:
    """Print what a run without training ends with; the exit code for it.

    A run whose ``until`` did not come true has failed, though its values are kept.
    """
    steps, waits = outcome.progress.step, iteration.plan.until is not None
    if as_json:
        values = {"finished": outcome.finished, "values": small_values(iteration)}
        print_json({"run": str(path), **_outcome(outcome), **values})
    else:
        if shown := rows(iteration):
            print_table(("name", "", "value"), shown)
        if loop.feed.averaged:
            _metrics(outcome.metrics)
        print(f"{steps} step{'s' * (steps != 1)}, {outcome.seconds:.1f} s; saved in {path}")
    if outcome.interrupted:
        return _interrupted(path, f"step {steps}")
    if not waits or outcome.finished:
        return GOOD
    say(f"'until' did not come true within {steps} steps; their values are kept, go on with "
        f"graphflow run --resume {shlex.quote(str(path))} --steps N")  # fmt: skip
    return FAILED


def told_folds(path: Path, found: CrossValidation, as_json: bool) -> int:
    """Print what the folds reported; the exit code for it."""
    count = len(found.folds)
    if as_json:
        each = [_outcome(outcome) for outcome in found.folds]
        print_json({"run": str(path), **summary(found), "folds": each,
                    "interrupted": found.interrupted})  # fmt: skip
    elif not found.interrupted:
        head = ("metric", ">mean", ">std", *(f">fold {i + 1}" for i in range(count)))
        rows = [
            (name, *map(shown_number, (found.mean[name], found.std[name], *values)))
            for name, values in found.values.items()
        ]
        print_table(head, rows)
        seconds = sum(outcome.seconds for outcome in found.folds)
        print(f"{count} folds, {seconds:.1f} s; saved in {path}")
    if not found.interrupted:
        return GOOD
    return _interrupted(path, f"step {found.folds[-1].progress.step} of fold {count}")


def _outcome(outcome: Outcome) -> dict[str, object]:
    done, best = outcome.progress, outcome.best
    return {
        "steps": done.step, "epochs": done.epoch, "metrics": dict(outcome.metrics),
        "seconds": outcome.seconds, "interrupted": outcome.interrupted,
        "stopped_early": outcome.stopped_early, "best": None if best is None else asdict(best),
        "restored": outcome.restored,
    }  # fmt: skip


def _metrics(metrics: Mapping[str, float]) -> None:
    if metrics:
        print_table(("metric", ">value"), [(n, shown_number(v)) for n, v in metrics.items()])


def _about_best(best: Best, outcome: Outcome) -> str:
    """``best was epoch 7 with test/loss 0.1234``."""
    value = f"{best.metric} {shown_number(best.value)}"
    early = "stopped early; " if outcome.stopped_early else ""
    kept = "; its values are the result" if outcome.restored else ""
    return f"{early}best was epoch {best.epoch} with {value}{kept}"


def _interrupted(path: Path, where: str) -> int:
    say(f"stopped after {where}, saved in {path}; "
        f"continue with graphflow run --resume {shlex.quote(str(path))}")  # fmt: skip
    return STOPPED
