"""A run is a folder: what was run, with which settings, what came out, and where it stopped.

::

    runs/mlp-20260102-030405/
      graph.yaml        the file as it was run: expanded, overrides applied, loads by itself
      source.yaml       the same as it was written: calls of blocks are calls
      run.json          overrides, seed, versions, command
      metrics.jsonl     one row of metrics a line
      memory.json       what the plan of a step computes again, where memory is bounded
      data.json         rows of the parts, types of the columns, a digest of their values
      tokenizers.json   what the numbers in columns of text stand for, where there are any
      transforms.json   what transforms of columns have learned, where there are any
      history/          values of nodes by step, where the file asks for them
      checkpoints/      step-00000450.safetensors, written atomically; the newest two are kept,
                        and best.safetensors where the file's train: section asks for the best;
                        snapshot-00000450.safetensors for a moment that somebody kept
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import IO, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from graphflow.diagnostics import fail
from graphflow.files import (
    Json,
    allowed,
    append_row,
    fresh,
    lock,
    read_object,
    read_rows,
    readable,
    write_atomically,
)
from graphflow.ops.op import Array
from graphflow.training.budget import MEMORY
from graphflow.training.data_identity import DATA
from graphflow.training.history import Series, stored_history
from graphflow.training.learned import TOKENIZERS, TRANSFORMS, Learned
from graphflow.training.rows import Row
from graphflow.training.run_settings import RunSettings
from graphflow.version import __version__

KEEP = 2
STAMP = "%Y%m%d-%H%M%S"
BEST = "best.safetensors"
LOCK = ".lock"
MADE = (
    "graph.yaml",
    "source.yaml",
    "run.json",
    "metrics.jsonl",
    LOCK,
    TOKENIZERS,
    TRANSFORMS,
    DATA,
    MEMORY,
)
UNREADABLE = (SafetensorError, ValueError, KeyError, OSError)
"""What reading a damaged checkpoint raises."""
_CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")
_SNAPSHOT = re.compile(r"snapshot-\d+")
_FOLD = re.compile(r"fold-(\d+)")


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and where training stood when they were taken."""

    arrays: Mapping[str, Array]
    progress: Mapping[str, Json]


class RunFolder:
    """One run's folder."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._made: list[Path] | None = None
        self._held: IO[bytes] | None = None

    @classmethod
    def create(
        cls, path: str | PathLike[str], graph: str, about: Mapping[str, Json], source: str = ""
    ) -> RunFolder:
        """Make the folder and write what is known before the first step: the graph last, since a
        folder with a graph is a run's.
        """
        run, folder = cls(path), Path(path)
        if (folder / "graph.yaml").exists() or any(run.checkpoints()):
            fail("GF064", f"'{folder}' holds a run already",
                 help=f"continue it with --resume {folder}, or choose another folder")  # fmt: skip
        run._made = [p for p in (folder, *folder.parents) if not p.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fail("GF064", f"the run's folder '{folder}' cannot be made: {error.strerror}")
        described = {**about, "versions": versions(), "started": time.strftime(STAMP)}
        write_atomically(folder / "run.json", json.dumps(described, indent=2).encode())
        (folder / "metrics.jsonl").write_bytes(b"")
        run.keep(graph, source)
        return run

    @classmethod
    def open(cls, path: str | PathLike[str]) -> RunFolder:
        """A folder that holds a run."""
        run = cls(path)
        allowed(run.graph_file, str(path))
        if not run.graph_file.is_file():
            fail("GF064", f"'{path}' is not the folder of a run", help="it has no graph.yaml")
        return run

    def keep(self, graph: str, source: str = "") -> None:
        """Write what is run, in its long form and, where there is one, as it was written."""
        if source:
            write_atomically(self.source_file, source.encode())
        else:
            self.source_file.unlink(missing_ok=True)
        write_atomically(self.graph_file, graph.encode())

    # -- in use ------------------------------------------------------------------------------
    def hold(self) -> None:
        """From here to :meth:`release` this process alone writes the run. GF064 where another does.

        A process that is killed lets go: its run can be resumed at once.
        """
        if self._held is not None:
            return
        stream = (self.path / LOCK).open("a+b")
        if not lock(stream, patience=0.3):
            stream.close()
            fail("GF064", f"another process runs '{self.path}'",
                 help="wait until it has ended, or stop it first")  # fmt: skip
        self._held = stream

    def release(self) -> None:
        """Let others go on with the run."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def in_use(self) -> bool:
        """Whether somebody holds the run."""
        file = self.path / LOCK
        if self._held is not None or not file.exists():
            return self._held is not None
        with file.open("rb") as stream:
            return not lock(stream)

    def discard(self) -> None:
        """Take back what :meth:`create` made; a folder that was opened is left alone."""
        self.release()
        if self._made is None:
            return
        for name in MADE:
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / "checkpoints", ignore_errors=True)
        if self.path in self._made:  # with what others wrote into it
            shutil.rmtree(self.path, ignore_errors=True)
        for folder in self._made:
            with suppress(OSError):  # it is gone, or another run lies there by now
                folder.rmdir()

    @property
    def graph_file(self) -> Path:
        return self.path / "graph.yaml"

    @property
    def source_file(self) -> Path:
        return self.path / "source.yaml"

    def about(self) -> dict[str, Json]:
        """What ``run.json`` says."""
        return cast("dict[str, Json]", read_object(self.path / "run.json"))

    def settings(self) -> RunSettings:
        """What the run was made with; an older version may have said less."""
        about = self.about()
        if "overrides" not in about:
            fail("GF064", f"'{self.path / 'run.json'}' does not say how the run was made",
                 help="only a run that graphflow began can be gone on with")  # fmt: skip
        try:
            return RunSettings.from_json(about)
        except ValueError as error:
            fail("GF064", f"'{self.path / 'run.json'}' cannot be read: {error}")

    def keep_learned(self, learned: Learned) -> None:
        """Write down what data have taught: the run goes on with it, whatever they are then."""
        learned.keep(self.path)

    def learned(self) -> Learned:
        """What ``keep_learned`` wrote; nothing before the first step."""
        return Learned.kept(self.path)

    # -- metrics -----------------------------------------------------------------------------
    def log(self, row: Row) -> None:
        """Append one line to ``metrics.jsonl``."""
        append_row(self.path / "metrics.jsonl", row.to_json())

    def metrics(self) -> list[Row]:
        """The rows of ``metrics.jsonl``; a last line that a killed run left unfinished is not one.

        >>> import tempfile
        >>> run = RunFolder(Path(tempfile.mkdtemp()))
        >>> run.log(Row(epoch=1, step=20, metrics={"train/loss": 0.5}))
        >>> run.metrics()
        [Row(epoch=1, step=20, metrics={'train/loss': 0.5})]
        """
        file = self.path / "metrics.jsonl"
        try:
            return [Row.from_json(kept) for kept in read_rows(file)]
        except ValueError as error:
            fail("GF064", f"'{file}' cannot be read: {error}")

    def metrics_bytes(self) -> int:
        """The length of the log, kept in a checkpoint so that resuming can cut what came after."""
        file = self.path / "metrics.jsonl"
        return file.stat().st_size if file.exists() else 0

    def cut_metrics(self, length: int) -> None:
        """Drop the lines written after a checkpoint."""
        file = self.path / "metrics.jsonl"
        if file.exists() and file.stat().st_size > length:
            os.truncate(file, length)

    # -- folds -------------------------------------------------------------------------------
    def fold(self, number: int) -> Path:
        """Where the ``number``-th training of a cross-validation lies."""
        return self.path / f"fold-{number}"

    def folds(self) -> list[Path]:
        """The runs of a cross-validation, in order; none in the folder of any other run."""
        found = []
        for file in self.path.glob("fold-*/graph.yaml"):
            match = _FOLD.fullmatch(file.parent.name)
            if match:
                found.append((int(match[1]), file.parent))
        return [path for _, path in sorted(found)]

    # -- history -----------------------------------------------------------------------------
    def history_names(self) -> list[str]:
        """The nodes whose values the run keeps, those of its ``history:``."""
        return list(stored_history(self.path))

    def history(self, name: str) -> Series:
        """``steps`` (n,) and ``values`` (n, *shape) of a node; GF020 where none are kept."""
        return stored_history(self.path)[name]

    # -- checkpoints -------------------------------------------------------------------------
    def checkpoints(self) -> Iterator[tuple[int, Path]]:
        """(step, file) of every checkpoint, newest first."""
        folder = self.path / "checkpoints"
        found = []
        for file in folder.glob("step-*.safetensors") if folder.is_dir() else ():
            match = _CHECKPOINT.fullmatch(file.name)
            if match:
                found.append((int(match[1]), file))
        yield from sorted(found, reverse=True)

    def save(self, step: int, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint: complete or not at all; older ones are removed after."""
        file = self._write(f"step-{step:08d}.safetensors", checkpoint)
        for _, old in list(self.checkpoints())[KEEP:]:
            old.unlink(missing_ok=True)
        return file

    def save_best(self, checkpoint: Checkpoint) -> Path:
        """Keep a checkpoint as the best so far, beside the newest ones."""
        return self._write(BEST, checkpoint)

    def save_snapshot(self, step: int, checkpoint: Checkpoint) -> Path:
        """Keep a checkpoint for good."""
        return self._write(f"snapshot-{step:08d}.safetensors", checkpoint)

    def snapshots(self) -> list[str]:
        """The names of the checkpoints that were kept for good, oldest first."""
        found = (self.path / "checkpoints").glob("snapshot-*.safetensors")
        return sorted(file.stem for file in found if _SNAPSHOT.fullmatch(file.stem))

    def _write(self, name: str, checkpoint: Checkpoint) -> Path:
        arrays = {n: np.asarray(a, order="C") for n, a in checkpoint.arrays.items()}
        progress = json.dumps(dict(checkpoint.progress))
        data = save(arrays, {"progress": progress, "crc32": checksum(arrays, progress)})
        file = self.path / "checkpoints" / name
        file.parent.mkdir(exist_ok=True)
        write_atomically(file, data)
        return file

    def checkpoint(self, which: str | None = None) -> Checkpoint:
        """The ``"latest"`` checkpoint, the ``"best"``, or one of :meth:`snapshots`; without a word
        the run's result: the best where training ended and its file says ``restore_best``, else the
        latest.
        """
        kept = self.snapshots()
        if which not in (None, "latest", "best", *kept):
            fail("GF064", f"there is no checkpoint '{which}'",
                 help=f"one of {', '.join(['latest', 'best', *kept])}")  # fmt: skip
        if which in (None, "latest"):
            latest = self.latest()
            if which == "latest" or latest.progress.get("result") != "best":
                return latest
        name = BEST if which in (None, "best") else f"{which}.safetensors"
        file = self.path / "checkpoints" / name
        if not file.is_file():
            fail("GF064", f"'{self.path}' keeps no best checkpoint",
                 help="train: {best: test/loss} in its file asks for one")  # fmt: skip
        try:
            return read_checkpoint(file)
        except UNREADABLE as error:
            fail("GF064", f"'{file}' cannot be read: {error}")

    def latest(self, arrays: bool = True) -> Checkpoint:
        """The newest checkpoint that can be read; damaged ones are passed over. Without its
        ``arrays`` it is read at once, however large it is.
        """
        damaged = []
        for _, file in self.checkpoints():
            try:
                return read_checkpoint(file, arrays)
            except UNREADABLE as error:
                damaged.append(f"{file.name}: {error}")
        folds = [fold.name for fold in self.folds()]
        missing = "the run stopped before its first checkpoint"
        missing = f"each of its folds has some: {', '.join(folds)}" if folds else missing
        fail("GF064", f"'{self.path}' has no checkpoint that can be read",
             help="; ".join(damaged) or missing)  # fmt: skip


def read_checkpoint(file: Path, arrays: bool = True) -> Checkpoint:
    """A checkpoint file's arrays and progress."""
    with safe_open(str(readable(file)), framework="numpy") as opened:
        names = list(opened.keys()) if arrays else []
        found = {name: opened.get_tensor(name) for name in names}
        about = opened.metadata() or {}
    if arrays and about.get("crc32", "") not in ("", checksum(found, about["progress"])):
        raise ValueError("it is not as it was written")
    return Checkpoint(found, json.loads(about["progress"]))


def checksum(arrays: Mapping[str, Array], progress: str) -> str:
    """The CRC-32 of a checkpoint; those of older versions have none."""
    found = zlib.crc32(progress.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), found)
        found = zlib.crc32(array.data, found)
    return str(found)


def versions() -> dict[str, Json]:
    """What the run depends on."""
    return {
        "python": platform.python_version(), "numpy": version("numpy"), "graphflow": __version__
    }  # fmt: skip


def fresh_folder(name: str) -> Path:
    """``runs/NAME-TIME`` for a new run, numbered where several begin in one second."""
    return fresh(Path("runs") / f"{name}-{time.strftime(STAMP)}")
