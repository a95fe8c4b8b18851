"""What is known of a run at a glance, read from its folder: no graph is loaded, no array.

How far it came, how well it did, and the settings in which runs differ.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from graphflow.diagnostics import GraphflowError, did_you_mean, fail
from graphflow.files import Json, read_object
from graphflow.spec.elaborate.stopping import falls
from graphflow.training.rows import Row, Rows
from graphflow.training.run_folder import Checkpoint, RunFolder

COMPLETE, STOPPED, UNFINISHED, RUNNING = "complete", "stopped", "unfinished", "running"
DAMAGED = "damaged"
FIELDS = ("run", "started", "epochs", "steps", "state")


@dataclass(frozen=True)
class Entry:
    """One run, or the folds of one cross-validation, whose metrics are then means.

    ``best`` is (metric, value, epoch): what the file's ``best:`` names, else the least loss of a
    part that is only evaluated. A ``stopped`` run was ended by somebody, an ``unfinished`` one
    killed; both can be resumed. A ``running`` one is at work; a ``damaged`` one cannot be read.
    """

    path: Path
    started: str
    epochs: int
    steps: int
    state: str
    metrics: Mapping[str, float]
    best: tuple[str, float, int] | None
    about: Mapping[str, Json]

    def to_json(self) -> dict[str, object]:
        """As ``--json`` prints it."""
        best = None if self.best is None else dict(
            zip(("metric", "value", "epoch"), self.best, strict=True)
        )  # fmt: skip
        return {
            "run": str(self.path), "started": self.started, "epochs": self.epochs,
            "steps": self.steps, "state": self.state, "metrics": dict(self.metrics), "best": best,
        }  # fmt: skip


def is_run(path: Path) -> bool:
    """Whether a folder is that of a run."""
    return (path / "graph.yaml").is_file() and (path / "run.json").is_file()


def hold_together(path: Path) -> None:
    """Raise GF064 where a run's folder is a link, or holds one that leads out of it: whoever reads
    it for somebody else would read other files for them.
    """
    home = Path(os.path.realpath(path))
    links = [path] if path.is_symlink() else []
    for place, folders, names in os.walk(path):
        links += [each for n in (*folders, *names) if (each := Path(place, n)).is_symlink()]
    for link in links:
        if link == path or not Path(os.path.realpath(link)).is_relative_to(home):
            fail("GF064", f"'{link}' is a link that leads out of the run's folder",
                 help="copy what it means into the folder")  # fmt: skip


def entries_in(folder: Path, linked: bool = True) -> list[Entry]:
    """The runs that lie in a folder, oldest first. Unless they may be ``linked`` to what lies
    elsewhere, those that are count as damaged.
    """
    if not folder.is_dir():
        fail("GF064", f"there is no folder '{folder}'", help="graphflow run writes to runs/")
    found = [_listed(path, linked) for path in sorted(folder.iterdir()) if is_run(path)]
    return sorted(found, key=lambda e: (e.started, str(e.path)))


def _listed(path: Path, linked: bool) -> Entry:
    """A run among others: they are listed whatever is wrong with it."""
    try:
        if not linked:
            hold_together(path)
        return entry(path)
    except GraphflowError:
        return Entry(path, "", 0, 0, DAMAGED, {}, None, {})


def entry(path: Path) -> Entry:
    """What a run's folder says."""
    if not is_run(path):
        fail("GF064", f"'{path}' is not the folder of a run",
             help="it has no graph.yaml and run.json")  # fmt: skip
    run = RunFolder.open(path)
    about = run.about()
    started = str(about.get("started", ""))
    folds = run.folds()
    if folds or (path / "summary.json").is_file():
        return _folds(run, started, about, [entry(fold) for fold in folds])
    progress, rows = _latest(run).progress, run.metrics()
    last = rows[-1] if rows else Row(0, 0, {})
    counts = [progress.get("epoch", last.epoch), progress.get("step", last.step)]
    epochs, steps = (n if isinstance(n, int) else 0 for n in counts)
    state = STOPPED if progress.get("stopped") else UNFINISHED
    state = COMPLETE if progress.get("ended") else state
    state = RUNNING if run.in_use() else state
    return Entry(path, started, epochs, steps, state, last.metrics, _best(progress, rows), about)


def _latest(run: RunFolder) -> Checkpoint:
    """Where the newest checkpoint stood; a run may have none yet."""
    return run.latest(arrays=False) if any(run.checkpoints()) else Checkpoint({}, {})


def _folds(
    run: RunFolder, started: str, about: Mapping[str, Json], folds: Sequence[Entry]
) -> Entry:
    """A cross-validation as one entry."""
    metrics: dict[str, float] = {}
    summary = run.path / "summary.json"
    if summary.is_file():
        try:
            found = cast("dict[str, dict[str, float]]", read_object(summary)["metrics"])
            metrics = {name: float(values["mean"]) for name, values in found.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            fail("GF064", f"'{summary}' cannot be read: it holds no means of metrics")
    state = COMPLETE if metrics else STOPPED if folds[-1].state == STOPPED else UNFINISHED
    state = RUNNING if run.in_use() else state
    steps, epochs = (sum(getattr(fold, n) for fold in folds) for n in ("steps", "epochs"))
    return Entry(run.path, started, epochs, steps, state, metrics, None, about)


def _best(progress: Mapping[str, Json], rows: Rows) -> tuple[str, float, int] | None:
    declared = progress.get("best")
    if isinstance(declared, dict) and isinstance(declared["metrics"], dict):
        metric, epoch = declared["metric"], declared["epoch"]
        value = declared["metrics"][str(metric)]
        assert isinstance(value, float) and isinstance(epoch, int)
        return str(metric), value, epoch
    reported = rows[-1].metrics if rows else {}
    losses = [name for name in reported if falls(name) and not name.startswith("train/")]
    for loss in losses[:1]:
        return loss, *min((row.metrics[loss], row.epoch) for row in rows if loss in row.metrics)
    return None


def sorted_by(entries: Sequence[Entry], key: str) -> list[Entry]:
    """Entries by a metric, best first (losses rising, all else falling), or by a column.

    Those without the metric come last.
    """
    if key in FIELDS:
        return sorted(entries, key=lambda e: getattr(e, "path" if key == "run" else key))
    known = dict.fromkeys(name for e in entries for name in e.metrics)
    if key not in known:
        fail("GF006", f"no run has a metric '{key}'",
             help=did_you_mean(key, [*known, *FIELDS])
             or f"one of {', '.join([*known, *FIELDS])}")  # fmt: skip
    sign = 1 if falls(key) else -1
    missing = float("inf")
    return sorted(entries, key=lambda e: sign * e.metrics[key] if key in e.metrics else missing)


def settings_of(about: Mapping[str, Json]) -> dict[str, str]:
    """What a ``run.json`` says a run was made with, overrides and versions among it, as texts.

    >>> settings_of({"overrides": {"hidden": "4"}, "seed": 0, "log": [], "started": "20260102"})
    {'set hidden': '4', 'seed': '0'}
    """
    shown: dict[str, str] = {}
    for name, value in about.items():
        if isinstance(value, dict):
            inner = "set " if name == "overrides" else "version of "
            shown |= {f"{inner}{k}": str(v) for k, v in value.items()}
        elif isinstance(value, list):
            shown |= {name: " ".join(map(str, value))} if value else {}
        elif value not in (None, "") and name != "started":
            shown[name] = str(value)
    return shown


def differing(settings: Sequence[Mapping[str, str]]) -> dict[str, list[str | None]]:
    """The settings in which runs differ, each with its value in every run.

    >>> differing([{"seed": "0", "epochs": "1"}, {"seed": "0"}])
    {'epochs': ['1', None]}
    """
    names = dict.fromkeys(name for each in settings for name in each)
    values = {name: [each.get(name) for each in settings] for name in names}
    return {name: found for name, found in values.items() if len(set(found)) > 1}
