"""A worker process, seen from the studio: asked one question at a time, ended past its limits."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import psutil

import graphflow
from graphflow.diagnostics import GraphflowError, fail
from graphflow.studio import frames
from graphflow.studio.frames import Answer, Question
from graphflow.studio.limits import Limits

SERVE = "from graphflow.studio.worker import main; main()"
TICK = 0.1
"""Seconds between looks at the memory of a process that works."""
START = 60.0
"""Seconds that a process may take to begin."""
READY = -1
"""The number of the answer that says that a process has begun."""


def start(code: str) -> subprocess.Popen[bytes]:
    """A Python process with this graphflow, away from Ctrl-C and from this process's modules."""
    environment = dict(os.environ)
    home = str(Path(graphflow.__file__).parent.parent)
    paths = [home, environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return subprocess.Popen(
        [sys.executable, "-P", "-B", "-c", code],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def how_it_ended(code: int) -> str:
    """A process's exit code in words.

    >>> how_it_ended(-9), how_it_ended(1)
    ('by the signal SIGKILL', 'with exit code 1')
    """
    if code >= 0:
        return f"with exit code {code}"
    names = {each.value: each.name for each in signal.Signals}
    return f"by the signal {names.get(-code, str(-code))}"


def memory_of(process: int) -> int:
    """The bytes that a process holds for itself; 0 where it has ended."""
    try:
        found = psutil.Process(process).memory_info()
    except psutil.Error:
        return 0
    return int(found.rss - getattr(found, "shared", 0))


class Child:
    """One worker process. Its first answer says that it is ready."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.process = start(SERVE)
        self._inbox: queue.Queue[bytes | None] = queue.Queue()
        self._asked = 0
        self._ready = False
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(pickle.dumps(limits))

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            while (data := frames.read(stream)) is not None:
                self._inbox.put(data)
        self._inbox.put(None)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def ask(self, question: Question) -> object:
        """The answer, or the GraphflowError that the file has earned.

        GF130 where the process died or was ended, past its time or its memory: ask another one.
        """
        if not self._ready:
            self._answer(READY, START)
            self._ready = True
        self._asked += 1
        numbered = Question(self._asked, question.workspace, question.method, question.arguments)
        self._send(pickle.dumps(numbered))
        answer = self._answer(self._asked, self.limits.seconds)
        if answer.diagnostics:
            raise GraphflowError(*answer.diagnostics)
        return answer.value

    def _send(self, data: bytes) -> None:
        """Send a message; a process that has died is noticed by its silence."""
        assert self.process.stdin is not None
        try:
            frames.write(self.process.stdin, data)
        except OSError:
            return

    def _answer(self, number: int, seconds: float) -> Answer:
        until = time.monotonic() + seconds
        while True:
            try:
                data = self._inbox.get(timeout=min(TICK, seconds))
            except queue.Empty:
                self._watch(until, seconds)
                continue
            if data is None:
                self._died()
            answer = self._read(data)
            if answer.number == number:  # any other belongs to somebody who has gone
                return answer

    def _read(self, data: bytes) -> Answer:
        try:
            answer = frames.loads(data)
        except (pickle.UnpicklingError, AttributeError, ImportError, EOFError) as error:
            self.close()
            fail("GF130", f"a worker process sent what is no answer: {error}")
        assert isinstance(answer, Answer)
        return answer

    def _watch(self, until: float, seconds: float) -> None:
        """End a process that is past one of its limits."""
        if time.monotonic() > until:
            self.close()
            fail("GF130", f"this takes longer than {seconds:g} seconds, the limit of this studio",
                 help="whoever starts the studio sets it: --seconds 300; smaller sizes or "
                 "fewer steps take less")  # fmt: skip
        if memory_of(self.process.pid) > self.limits.memory:
            self.close()
            self._too_large()

    def _too_large(self) -> NoReturn:
        fail("GF130", f"this takes more than {self.limits.memory / 2**30:.2g} GB of memory, the "
             "limit of this studio", help="whoever starts the studio sets it: --memory 8GB; smaller"
             " sizes or batches take less")  # fmt: skip

    def _died(self) -> NoReturn:
        code = self.process.wait()
        self.close()
        fail("GF130", f"the process that worked on this ended {how_it_ended(code)}",
             help="nothing is lost: what is asked next opens it again; where it ends each time, "
             "the console of the studio says more, and --memory may be too small")  # fmt: skip

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        with suppress(OSError):  # what waited to be sent has no reader
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()
