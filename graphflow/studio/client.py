"""A studio: who visits it, and the worker process that answers each of them."""

from __future__ import annotations

import atexit
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphflow.diagnostics import fail
from graphflow.studio.child import Child
from graphflow.studio.frames import Question
from graphflow.studio.limits import Limits
from graphflow.view.workspace import Workspace

if TYPE_CHECKING:
    from graphflow.studio.jobs import Jobs

IDLE = 600.0
"""Seconds without a question after which a visitor's process is ended; it can be started again."""
PAUSE = 0.05


@dataclass(eq=False)
class Seat:
    """A visitor's place: one question is answered at a time."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    child: Child | None = None
    used: float = field(default_factory=time.monotonic)


class Studio:
    """The worker processes of all visitors. One stands ready for whoever comes next."""

    def __init__(self, limits: Limits | None = None, idle: float = IDLE) -> None:
        self.limits = limits or Limits()
        self.idle = idle
        self._jobs: Jobs | None = None
        self._seats: OrderedDict[str, Seat] = OrderedDict()
        self._guard = threading.Lock()
        self._spare: Child | None = None
        self._closed = threading.Event()
        atexit.register(self.close)
        threading.Thread(target=self._tidy, daemon=True).start()
        self._prepare()

    @property
    def jobs(self) -> Jobs:
        """The trainings, which belong to no visitor."""
        from graphflow.studio.jobs import Jobs  # half a second of imports that few pages need

        with self._guard:
            if self._jobs is None:
                self._jobs = Jobs(self.limits)
            return self._jobs

    def client(self, session: str) -> Client:
        """What a visitor's pages ask."""
        return Client(self, session)

    def ask(self, session: str, question: Question) -> object:
        """The answer of the visitor's process, which is started where it is not there."""
        seat = self._seat(session)
        with seat.lock:
            child = seat.child
            if child is None or not child.alive:
                child = seat.child = self._new_child(seat)
            try:
                return child.ask(question)
            finally:
                seat.used = time.monotonic()
                self._prepare()

    def process(self, session: str) -> int | None:
        """The id of a visitor's process, if one runs."""
        with self._guard:
            seat = self._seats.get(session)
        child = None if seat is None else seat.child
        return child.process.pid if child is not None and child.alive else None

    def close(self) -> None:
        """End all processes; trainings stop with a checkpoint."""
        self._closed.set()
        with self._guard:
            children = [seat.child for seat in self._seats.values()] + [self._spare]
            self._seats.clear()
            self._spare = None
        for child in children:
            if child is not None:
                child.close()
        if self._jobs is not None:
            self._jobs.close()

    def _seat(self, session: str) -> Seat:
        with self._guard:
            seat = self._seats.setdefault(session, Seat())
            self._seats.move_to_end(session)
            seat.used = time.monotonic()
            return seat

    def _new_child(self, seat: Seat) -> Child:
        """The process that stands ready, or another one; room is made first."""
        until = time.monotonic() + self.limits.seconds
        while not self._has_room(seat):
            if time.monotonic() > until:
                fail("GF130", f"{self.limits.processes} visitors are being answered, as many as "
                     "this studio takes at once", help="try again when one of them is done; whoever"
                     " starts the studio sets the number: --processes 16")  # fmt: skip
            time.sleep(PAUSE)
        with self._guard:
            child, self._spare = self._spare, None
        return child if child is not None and child.alive else Child(self.limits)

    def _has_room(self, seat: Seat) -> bool:
        """Whether a process may start; the visitor who asked least recently gives up theirs."""
        with self._guard:
            others = [s for s in self._seats.values() if s is not seat and s.child is not None]
            if len(others) < self.limits.processes:
                return True
        return any(self._leave(other) for other in others)

    def _leave(self, seat: Seat) -> bool:
        """End a visitor's process, unless it is answering; whether there was one to end."""
        if not seat.lock.acquire(blocking=False):
            return False
        try:
            child, seat.child = seat.child, None
            if child is not None:
                child.close()
            return child is not None
        finally:
            seat.lock.release()

    def _prepare(self) -> None:
        """Have a process stand ready: it imports what it needs while nobody waits."""
        with self._guard:
            spare = self._spare
            if not self._closed.is_set() and (spare is None or not spare.alive):
                self._spare = Child(self.limits)

    def _tidy(self) -> None:
        """Let those go who have asked nothing for long."""
        while not self._closed.wait(min(self.idle / 4, 5.0)):
            late = time.monotonic() - self.idle
            with self._guard:
                gone = [(s, seat) for s, seat in self._seats.items() if seat.used < late]
            for session, seat in gone:
                if self._leave(seat) or seat.child is None:
                    self._forget(session, seat, late)

    def _forget(self, session: str, seat: Seat, late: float) -> None:
        with self._guard:
            if seat.used < late:
                self._seats.pop(session, None)


class Client:
    """Asks on behalf of one visitor. Page code holds this, a workspace, and nothing that is run."""

    def __init__(self, studio: Studio, session: str) -> None:
        self.studio, self.session = studio, session

    @property
    def process(self) -> int | None:
        """The process that answers this visitor, by its id; None where none has been asked yet, or
        it has ended.
        """
        return self.studio.process(self.session)

    def ask(self, workspace: Workspace, method: str, *arguments: object) -> object:
        """What ``Study(workspace).method(*arguments)`` gives, or its attribute of that name.

        Raises the same GraphflowError; GF130 where a limit of the studio was reached or the process
        died. The next question starts another one, and nothing is lost.
        """
        return self.studio.ask(self.session, Question(0, workspace, method, arguments))

    def call(self, service: str, *arguments: object) -> object:
        """What a service gives that needs no workspace, under the same limits."""
        return self.studio.ask(self.session, Question(0, None, service, arguments))


_opened: Studio | None = None
_opening = threading.Lock()


def opened() -> Studio | None:
    """The studio of this process, if it has one."""
    return _opened


def open_studio(limits: Limits | None = None) -> Studio:
    """The studio of this process: opened by the first call, whose limits hold for all visitors."""
    global _opened
    with _opening:
        if _opened is None:
            _opened = Studio(limits)
        return _opened
