"""The worker processes of a search: started when they are needed, replaced when they die."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import graphflow
from graphflow.tuning.folder import PATIENCE, TuneFolder
from graphflow.tuning.worker import Job, Message

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
SERVE = "from graphflow.tuning.worker import main; main()"
LAST_WORDS = 2000
"""Bytes of a dead worker's log that are read."""


class Pool:
    """Workers by number. What they say stands in :attr:`inbox`; None says that one has ended."""

    def __init__(self, size: int, folder: TuneFolder) -> None:
        self.size, self.folder = size, folder
        self.inbox: queue.Queue[tuple[int, Message | None]] = queue.Queue()
        self._processes: dict[int, subprocess.Popen[str]] = {}

    def give(self, worker: int, job: Job) -> None:
        """Send a job to a worker, which is started if it does not run."""
        if worker not in self._processes:
            self._processes[worker] = self._start(worker)
        self.send(worker, asdict(job))

    def send(self, worker: int, message: Message) -> None:
        """Send a message; a worker that has died is noticed by its silence."""
        stream = self._processes[worker].stdin
        assert stream is not None
        try:
            stream.write(json.dumps(message) + "\n")
            stream.flush()
        except OSError:
            return

    def process_id(self, worker: int) -> int:
        """The process that works under this number."""
        return self._processes[worker].pid

    def bury(self, worker: int) -> str:
        """Forget a worker that has ended; how it did, in words."""
        process = self._processes.pop(worker)
        code = process.wait()
        how = f"exit code {code}" if code >= 0 else f"signal {_signal_name(-code)}"
        log = self.folder.path / f"worker-{worker}.log"
        words = log.read_bytes()[-LAST_WORDS:].decode(errors="replace").split("\n")
        last = next((line for line in reversed(words) if line.strip()), "")
        return f"its process ended with {how}" + (f": {last.strip()}" if last else "")

    def close(self, patience: float = PATIENCE) -> None:
        """Let all workers end after the step under way; kill those that do not."""
        for process in self._processes.values():
            assert process.stdin is not None
            try:
                process.stdin.close()
            except OSError:
                continue
        for process in self._processes.values():
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def _start(self, worker: int) -> subprocess.Popen[str]:
        """A worker in a session of its own: Ctrl-C reaches the search alone, which tells it."""
        with (self.folder.path / f"worker-{worker}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", SERVE], env=self._environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                encoding="utf-8", start_new_session=True,
            )  # fmt: skip
        self.folder.note_process("worker", process.pid)
        threading.Thread(target=self._listen, args=(worker, process), daemon=True).start()
        return process

    def _listen(self, worker: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith("\n"):
                self.inbox.put((worker, json.loads(line)))
        self.inbox.put((worker, None))

    def _environment(self) -> dict[str, str]:
        """The same graphflow, and a fair share of the processor for BLAS."""
        share = max(1, (os.cpu_count() or 1) // self.size)
        found = dict(os.environ)
        for name in THREADS:
            given = found.get(name, "")
            found[name] = str(min(share, int(given)) if given.isdecimal() else share)
        home = str(Path(graphflow.__file__).parent.parent)
        found["PYTHONPATH"] = os.pathsep.join(filter(None, [home, found.get("PYTHONPATH", "")]))
        return found


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
