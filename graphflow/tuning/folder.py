"""A search is a folder: what was asked, every trial as a run, what happened when, what was best.

::

    tunes/digits-20260102-030405/
      file.yaml       the file as it was when the search began
      tune.json       where it lay, overrides, space, scheduler, limits, versions
      journal.log     Optuna's journal: every configuration, metric and ending
      events.jsonl    who did what when: one JSON object a line
      trials/0003/    a run folder each
      best.json       the best configuration, {path: value}
      report.html     the figures
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import psutil

from graphflow.diagnostics import fail
from graphflow.files import Json, append_row, fresh, read_object, read_rows, write_atomically
from graphflow.spec.values import Plain
from graphflow.training.run_folder import versions
from graphflow.tuning.asked import Asked

PROCESSES = "processes.jsonl"
"""Who works in the folder at present."""
PATIENCE = 30.0
"""Seconds that workers have to end their step."""


@dataclass(frozen=True)
class Event:
    """What happened at ``time`` seconds: a trial began on a worker, ended an epoch, ended."""

    time: float
    event: str
    trial: int
    worker: int
    epoch: int = 0
    value: float | None = None
    state: str = ""


class TuneFolder:
    """One search's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path | None, name: str, asked: Asked) -> TuneFolder:
        """Make the folder and write what is asked."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        folder = path if path is not None else fresh(Path("tunes") / f"{name}-{stamp}")
        if (folder / "tune.json").exists():
            fail("GF064", f"'{folder}' holds a search already",
                 help=f"go on with it: graphflow tune --resume {folder}")  # fmt: skip
        try:
            (folder / "trials").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fail("GF064", f"the folder '{folder}' cannot be made: {error.strerror}")
        made = cls(folder)
        write_atomically(made.file, Path(asked.setting.file).read_bytes())
        made.note(asked, {"started": stamp, "versions": versions()})
        return made

    @classmethod
    def open(cls, path: Path) -> TuneFolder:
        """A folder that holds a search."""
        if not (path / "tune.json").is_file():
            fail("GF064", f"'{path}' is not the folder of a search", help="it has no tune.json")
        return cls(path)

    @property
    def file(self) -> Path:
        """The searched file as it was; its data and blocks are found where it lay."""
        return self.path / "file.yaml"

    def note(self, asked: Asked, more: Mapping[str, Json] | None = None) -> None:
        """Write what is asked; what else ``tune.json`` holds is kept."""
        file = self.path / "tune.json"
        before = self._json() if file.exists() else {}
        content = before | dict(more or {}) | asked.to_json()
        write_atomically(file, json.dumps(content, indent=2).encode())

    def asked(self) -> Asked:
        """What the search was asked for."""
        found = self._json()
        try:
            return Asked.from_json(found)
        except KeyError as missing:
            fail("GF064", f"'{self.path / 'tune.json'}' does not say {missing}")

    def _json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", read_object(self.path / "tune.json"))

    def trial(self, number: int) -> Path:
        """The run folder of a trial."""
        return self.path / "trials" / f"{number:04d}"

    # -- processes ---------------------------------------------------------------------------
    @contextmanager
    def held(self) -> Iterator[None]:
        """While this lasts, nobody else searches here. The workers of a search that was killed
        end by themselves after a step; they are waited for.
        """
        search, workers = self._alive("search"), self._alive("worker")
        if not search:
            _, workers = psutil.wait_procs(workers, PATIENCE)
        for process in (*search, *workers):
            fail("GF064", f"process {process.pid} searches in '{self.path}'",
                 help="wait until it has ended, or end it first")  # fmt: skip
        file = self.path / PROCESSES
        file.unlink(missing_ok=True)
        self.note_process("search", os.getpid())
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    def note_process(self, role: str, number: int) -> None:
        """Keep that a process works here."""
        row = {"role": role, "pid": number, "created": _created(number)}
        append_row(self.path / PROCESSES, row)

    def _alive(self, role: str) -> list[psutil.Process]:
        """The processes of a role that still work here; a number may have been given anew."""
        return [
            psutil.Process(number)
            for row in read_rows(self.path / PROCESSES)
            if row["role"] == role and isinstance(number := row["pid"], int)
            if row["created"] is not None and row["created"] == _created(number)
        ]

    # -- events ------------------------------------------------------------------------------
    def log(self, event: Event) -> None:
        """Append one event."""
        append_row(self.path / "events.jsonl", asdict(event))

    def events(self) -> list[Event]:
        """All that happened, in order; an unfinished last line is left out."""
        return [Event(**row) for row in read_rows(self.path / "events.jsonl")]  # type: ignore[arg-type]

    def write_best(self, configuration: Mapping[str, Plain]) -> None:
        """The best configuration as overrides."""
        content = json.dumps(dict(configuration), indent=2) + "\n"
        write_atomically(self.path / "best.json", content.encode())


def _created(number: int) -> float | None:
    """When a process began; None where there is none of this number."""
    try:
        return psutil.Process(number).create_time()
    except psutil.Error:
        return None
