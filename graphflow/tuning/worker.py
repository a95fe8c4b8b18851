"""A worker: trains one trial after another, each as a run in its own folder.

A process of this machine reads jobs as JSON lines from stdin and answers on stdout, one of a
cluster takes and says the same messages::

    {"trial": 3, "folder": ..., "source": ..., "overrides": {...}, "until": 4, ...}
    {"trial": 3, "epoch": 1, "metrics": {...}}         answered by {"go": true}
    {"trial": 3, "ended": "reached"}                   or "dropped", "stopped", "failed"

``{"stop": true}``, or the end of the line, stops training after the step under way. A folder that
holds a run goes on from its last checkpoint, and says again what its log holds.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from graphflow.api import load
from graphflow.diagnostics import GraphflowError
from graphflow.files import Json, reason
from graphflow.runs import Way, resumed, started
from graphflow.training.callbacks import Callback
from graphflow.training.loop import Loop
from graphflow.training.progress import Progress
from graphflow.training.run_folder import RunFolder
from graphflow.training.run_settings import RunSettings

Message = dict[str, Json]


@dataclass(frozen=True)
class Job:
    """Train one configuration until an epoch; ``known`` is the last one whose metrics came.

    The graph stands in ``source``, the search's copy of ``file``, beside which data are found.
    ``whole``: the file counts in steps, and its metrics at the end stand for epoch 1.
    """

    trial: int
    folder: str
    source: str
    file: str
    overrides: Mapping[str, str]
    dtype: str
    until: int
    known: int = 0
    whole: bool = False


class Line:
    """A worker's end of the connection: what it says goes to ``tell``, what it is told comes by
    :meth:`take`. ``stopping`` is set for good once it is to stop.
    """

    def __init__(self, tell: Callable[[Message], None]) -> None:
        self._tell = tell
        self.inbox: queue.Queue[Message | None] = queue.Queue()
        self.stopping = threading.Event()
        self.loop: Loop | None = None

    @classmethod
    def of(cls, incoming: IO[str], outgoing: IO[str]) -> Line:
        """One whose messages are lines of JSON."""

        def tell(message: Message) -> None:
            outgoing.write(json.dumps(message) + "\n")
            outgoing.flush()

        def listen() -> None:
            for text in incoming:
                line.take(json.loads(text))
            line.take(None)

        line = cls(tell)
        threading.Thread(target=listen, daemon=True).start()
        return line

    def take(self, message: Message | None) -> None:
        """A message from the search; None says that nobody speaks any more."""
        if message is not None and not message.get("stop"):
            self.inbox.put(message)
            return
        self.stopping.set()
        self.inbox.put(None)
        if self.loop is not None:
            self.loop.stop()

    def send(self, message: Message) -> None:
        """Say something. Where nobody is left to read it, this worker stops as well."""
        try:
            self._tell(message)
        except BrokenPipeError:
            self.stopping.set()

    def receive(self) -> Message | None:
        """The next message; None, however often it is asked, once it is to stop."""
        found = None if self.stopping.is_set() else self.inbox.get()
        return None if self.stopping.is_set() else found

    def work(self) -> None:
        """Train what is asked for, until it is to stop."""
        while (message := self.receive()) is not None:
            train(self, Job(**message))  # type: ignore[arg-type]


class Reporter(Callback):
    """Tells the metrics of each epoch, and ends training where that is the answer."""

    def __init__(self, line: Line, job: Job) -> None:
        self.line, self.job = line, job
        self.told = job.known
        self.loop: Loop | None = None
        self.dropped = False

    def on_epoch(self, progress: Progress, metrics: Mapping[str, float]) -> None:
        """Tell, and ask whether to go on."""
        if not self.job.whole:
            self.tell(progress.epoch, metrics)

    def tell(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """The metrics after an epoch, once; the answer says whether the trial goes on."""
        if epoch <= self.told or self.dropped or self.line.stopping.is_set():
            return
        self.told = epoch
        self.line.send({"trial": self.job.trial, "epoch": epoch, "metrics": dict(metrics)})
        answer = self.line.receive()
        self.dropped = answer is not None and not answer["go"]
        if self.loop is not None and (answer is None or self.dropped):
            self.loop.stop()

    def repeat(self, run: RunFolder, finished: int) -> None:
        """What the log of an earlier process holds of finished epochs and nobody has read."""
        if self.job.whole:
            return
        for row in run.metrics():
            if row.epoch <= finished:
                self.tell(row.epoch, row.metrics)


def train(line: Line, job: Job) -> None:
    """One job, from the folder's last checkpoint or from the start; says how it ended."""
    reporter = Reporter(line, job)
    try:
        loop = reporter.loop = line.loop = _prepared(job, reporter)
        if line.stopping.is_set() or reporter.dropped:
            loop.stop()
        outcome = loop.run()
        if not (line.stopping.is_set() or reporter.dropped):
            reporter.tell(job.until, outcome.metrics)
    except GraphflowError as error:
        first = error.diagnostics[0]
        line.send(_ended(job, "failed", f"{first.code}: {first.message}"))
    except OSError as error:
        line.send(_ended(job, "failed", f"GF007: {reason(error)}"))
    except MemoryError as error:
        line.send(_ended(job, "failed", f"GF060: out of memory: {error}"))
    else:
        stopped = "stopped" if line.stopping.is_set() else "reached"
        line.send(_ended(job, "dropped" if reporter.dropped else stopped))
    finally:
        line.loop = None


def _ended(job: Job, how: str, message: str = "") -> Message:
    return {"trial": job.trial, "ended": how, "message": message}


def _prepared(job: Job, reporter: Reporter) -> Loop:
    """The loop of a trial, its run folder begun, or opened and read."""
    path, home = Path(job.folder), Path(job.file).parent
    epochs = None if job.whole else job.until
    way = Way(callbacks=[reporter])
    if (path / "graph.yaml").exists():
        loop = resumed(path, RunSettings(epochs=epochs), way)
        assert loop.run_folder is not None
        reporter.repeat(loop.run_folder, loop.progress.epoch)
        return loop
    settings = RunSettings(job.file, str(home), dict(job.overrides), dtype=job.dtype,
                        backend="numpy", epochs=epochs)  # fmt: skip
    return started(load(job.source, job.overrides, folder=home), settings, path, way)


def main() -> None:
    """Serve until stdin ends. What a model prints goes to stderr, apart from the messages."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the search says when to stop
    outgoing = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    Line.of(sys.stdin, outgoing).work()


if __name__ == "__main__":
    main()
