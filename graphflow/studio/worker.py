"""A worker process: opens workspaces for one visitor and answers what is asked of them.

It is started by :mod:`graphflow.studio.child`, reads its limits and then questions from stdin, and
writes answers to stdout. When stdin ends it ends, whatever it is doing: whoever asked has gone.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO

from graphflow.diagnostics import Diagnostic, GraphflowError, fail
from graphflow.files import allowed, reason
from graphflow.studio import frames
from graphflow.studio.confinement import Confinement, Refused
from graphflow.studio.frames import Answer, Question
from graphflow.studio.limits import Limits
from graphflow.view.recording.limits import Limits as Bounds
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace

KEPT = 4
"""Workspaces that stay open."""
SERVICES = {
    **{name: f"graphflow.studio.services:{name}" for name in ("figures", "form", "runs")},
    **{name: f"graphflow.view.editing:{name}" for name in ("is_good", "sketched", "text_changes")},
    "text_of": "graphflow.view.opening:text_of",
    "thumbnail": "graphflow.view.thumbnails:thumbnail",
}
"""What is asked without a workspace: the name, and the function as ``module:function``."""


def leave() -> None:
    """End this process, whatever it is doing."""
    os._exit(0)


class Line:
    """The two ends of the connection. A thread listens, so that its end is noticed at any time;
    ``ended`` is called then.
    """

    def __init__(self, ended: Callable[[], None] = leave) -> None:
        self._ended = ended
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what a library prints must not stand between messages
        self._inbox: queue.Queue[object] = queue.Queue()
        threading.Thread(target=self._listen, args=(sys.stdin.buffer,), daemon=True).start()

    def _listen(self, stream: IO[bytes]) -> None:
        while (data := frames.read(stream)) is not None:
            self._inbox.put(pickle.loads(data))
        self._inbox.put(None)
        self._ended()

    def receive(self, wait: bool = True) -> object:
        """The next message. None at the end, and where there is none yet and nobody is to
        ``wait``.
        """
        try:
            return self._inbox.get(wait)
        except queue.Empty:
            return None

    def send(self, message: Answer) -> None:
        """Send an answer; one that is too long is told instead."""
        data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        if len(data) > frames.LARGEST:
            long = Diagnostic("GF130", f"the answer is {len(data) / 2**20:,.0f} MB large, and at "
                              f"most {frames.LARGEST / 2**20:,.0f} MB are shown")  # fmt: skip
            data = pickle.dumps(Answer(message.number, diagnostics=(long,)))
        try:
            frames.write(self._out, data)
        except OSError:
            self._ended()


class Studies:
    """The workspaces that are open, and what is asked of them."""

    def __init__(self, confinement: Confinement) -> None:
        self._confinement = confinement
        limits = confinement.limits
        self._bounds = Bounds(bytes=limits.memory // 3, seconds=limits.seconds)
        self._studies: OrderedDict[Workspace, Study] = OrderedDict()

    def answer(self, question: Question) -> Answer:
        """The answer; whatever is wrong with a file is a diagnostic of it."""
        try:
            with told():
                return Answer(question.number, self._value(question))
        except GraphflowError as error:
            return Answer(question.number, diagnostics=error.diagnostics)

    def _value(self, question: Question) -> object:
        method, workspace = question.method, question.workspace
        if workspace is None:
            if method not in SERVICES:
                fail("GF006", f"a studio's worker has no service '{method}'")
            module, _, function = SERVICES[method].partition(":")
            return getattr(import_module(module), function)(*question.arguments)
        if method.startswith("_") or not hasattr(Study, method):
            fail("GF006", f"nothing of a study is called '{method}'")
        found = getattr(self._study(workspace), method)
        return found(*question.arguments) if callable(found) else found

    def _study(self, workspace: Workspace) -> Study:
        """The study of a workspace, opened if it is not; those that lie longest are closed."""
        if workspace not in self._studies:
            if workspace.run:  # a folder that cannot be listed seems empty
                allowed(workspace.run)
            latest = next(reversed(self._studies.values()), None)
            while len(self._studies) >= KEPT or self._bytes() > self._bounds.bytes:
                self._studies.popitem(last=False)
            self._studies[workspace] = self._opened(workspace, latest)
        self._studies.move_to_end(workspace)
        return self._studies[workspace]

    def _bytes(self) -> int:
        """What the recordings of the open workspaces take."""
        return sum(study.recording.bytes for study in self._studies.values())

    def _opened(self, workspace: Workspace, latest: Study | None) -> Study:
        try:
            return Study(workspace, self._bounds, latest)
        except MemoryError:
            self._studies.clear()
            raise


@contextmanager
def told() -> Iterator[None]:
    """What the limits refuse inside this block, and what the system does, as a diagnostic."""
    try:
        yield
    except Refused as error:
        fail("GF131", reason(error), help="whoever starts the studio allows further folders: "
             "--folder DIR, or downloads: --network")  # fmt: skip
    except OSError as error:
        fail("GF007", reason(error))
    except MemoryError as error:
        fail("GF060", f"out of memory: {error or 'the limit of the studio is reached'}",
             help="a smaller batch or smaller sizes help most; whoever starts the studio sets the "
             "limit: --memory 8GB")  # fmt: skip


def bounded(memory: int) -> None:
    """Let this process have so many bytes of its own, where the system can be asked for that."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def begin(line: Line, training: bool = False) -> Confinement:
    """Take over the limits, which hold from here on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks says when to end
    limits = line.receive()
    assert isinstance(limits, Limits)
    bounded(limits.memory)
    confinement = Confinement(limits, training)
    confinement.install()
    return confinement


def main() -> None:
    """Serve until stdin ends."""
    line = Line()
    studies = Studies(begin(line))
    line.send(Answer(-1))
    while True:
        question = line.receive()
        assert isinstance(question, Question)
        line.send(studies.answer(question))
