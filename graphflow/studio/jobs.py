"""The trainings of a studio: each a process of its own, whoever looks.

What a training learns lies in its run's folder, so that closing the browser loses nothing, and a
studio that is started again finds the runs and goes on with them.
"""

from __future__ import annotations

import pickle
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from graphflow.diagnostics import Diagnostic, fail
from graphflow.files import fresh, slug
from graphflow.run_entries import DAMAGED, Entry, entries_in
from graphflow.studio import frames
from graphflow.studio.child import how_it_ended, memory_of, start
from graphflow.studio.frames import Answer
from graphflow.studio.limits import Limits
from graphflow.studio.trainer import GRACE, Command, Order, Pace, Report, State
from graphflow.training.run_folder import STAMP, RunFolder

TRAIN = "from graphflow.studio.trainer import main; main()"
OVER = ("stopped", "complete", "failed", "killed")
"""States that a training stays in."""
TICK = 0.5
"""Seconds between looks at a training's time and memory."""
AGAIN = "nothing that a checkpoint holds is lost: resume the run to go on from there"


class Job:
    """One training. :attr:`report` says where it stands."""

    def __init__(self, order: Order, limits: Limits) -> None:
        self.order, self.limits = order, limits
        self.folder = Path(order.folder)
        self.pace = order.pace
        self.report = Report("starting")
        self.told = 0
        """How many commands it was given."""
        self._guard = threading.Lock()
        self._why: Diagnostic | None = None
        self._until = time.monotonic() + limits.training_seconds
        self.process = start(TRAIN)
        self._send(limits)
        self._send(order)
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.report.state in OVER

    def tell(self, command: Command, after: int | None = None) -> None:
        """Pause, go on, make one step, stop, or keep a snapshot: after the step under way.

        ``after`` is how many commands the one who asks knew of, as :attr:`told` counts them: a
        click that a page delivers twice counts once.
        """
        with self._guard:
            if self.over or after not in (None, self.told):
                return
            self.told += 1
            self._send(command)

    def set_pace(self, pace: Pace) -> None:
        """Let updates follow each other so quickly from now on; what they compute is the same."""
        with self._guard:
            self.pace = pace
            self._send(pace)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within some time."""
        until = time.monotonic() + seconds
        while not self.over and time.monotonic() < until:
            time.sleep(0.02)
        return self.over

    def close(self) -> None:
        """Let it end after the step under way; end it where that takes too long."""
        assert self.process.stdin is not None
        with suppress(OSError):  # what waited to be sent has no reader
            self.process.stdin.close()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def _send(self, message: object) -> None:
        assert self.process.stdin is not None
        try:
            frames.write(self.process.stdin, pickle.dumps(message))
        except (OSError, ValueError):  # it has ended, or is being ended: its silence says so
            return

    def _listen(self) -> None:
        """Take its reports until it ends; without a last word it was killed."""
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            while (data := frames.read(stream)) is not None:
                answer = frames.loads(data)
                assert isinstance(answer, Answer) and isinstance(answer.value, Report)
                report = answer.value
                if report.state == "stopped" and self._why is not None:
                    report = replace(report, diagnostics=(self._why,))
                self.report = report
        ended = f"the process that trained ended {how_it_ended(self.process.wait())}"
        if not self.over:
            why = self._why or Diagnostic("GF130", ended, help=AGAIN)
            self.report = replace(self.report, state="killed", diagnostics=(why,))

    def _watch(self) -> None:
        """Stop it past its time, and end it past its memory."""
        limits = self.limits
        while self.process.poll() is None:
            if memory_of(self.process.pid) > limits.memory:
                self._past(f"takes more than {limits.memory / 2**30:.2g} GB of memory", "memory")
                self.kill()
            late = time.monotonic() - self._until
            if late > 0:
                self._past(f"takes longer than {limits.training_seconds:g} seconds", "training")
                self.tell("stop")
            if late > GRACE:
                self.kill()
            time.sleep(TICK)

    def _past(self, what: str, option: str) -> None:
        """Note which limit it has passed."""
        told = f"this training {what}, the limit of this studio"
        help = f"whoever starts the studio sets it: --{option}; {AGAIN}"
        self._why = Diagnostic("GF130", told, help=help)


@dataclass(frozen=True)
class Standing:
    """A run in the folder of runs: what lies there, and the training that writes it, if any."""

    entry: Entry
    job: Job | None

    @property
    def state(self) -> str:
        """Where it stands, in a word."""
        return self.job.report.state if self.job is not None else self.entry.state

    @property
    def moments(self) -> tuple[str, ...]:
        """The checkpoints that can be looked into by now: its snapshots, and the latest."""
        if self.entry.state == DAMAGED:
            return ()
        folder = RunFolder(self.entry.path)
        return (*folder.snapshots(), *["latest"] * any(folder.checkpoints()))

    @property
    def last(self) -> int | None:
        """The step of its last checkpoint: where resuming it begins."""
        return next((step for step, _ in RunFolder(self.entry.path).checkpoints()), None)


class Jobs:
    """The trainings of one studio, by the folder of their run."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._jobs: dict[Path, Job] = {}
        self._guard = threading.Lock()

    def start(self, order: Order, name: str) -> Job:
        """Train in a new folder, which is called after ``name``."""
        with self._guard:
            self._make_room()
            runs = Path(self.limits.runs)
            folder = fresh(runs / f"{slug(name)}-{time.strftime(STAMP)}")
            while folder in self._jobs:
                folder = fresh(folder.with_name(f"{folder.name}-2"))
            job = self._jobs[folder] = Job(replace(order, folder=str(folder)), self.limits)
            return job

    def resume(
        self, run: Path, *, epochs: int | None = None, steps: int | None = None, guard: bool = False
    ) -> Job:
        """Go on with a run of the studio's folder, from its last checkpoint."""
        folder, runs = run.resolve(), Path(self.limits.runs).resolve()
        if not folder.is_relative_to(runs):
            fail("GF131", f"'{run}' is no run of this studio: it does not lie below '{runs}'")
        with self._guard:
            known = self._jobs.get(run)
            if known is not None and not known.over:
                fail("GF064", f"'{run}' is being trained")
            self._make_room()
            order = Order(str(run), epochs=epochs, steps=steps, resume=True, guard=guard)
            job = self._jobs[run] = Job(order, self.limits)
            return job

    def job(self, run: Path) -> Job | None:
        """The training that writes a run, or did so last."""
        return self._jobs.get(run)

    def states(self) -> tuple[tuple[Job, State], ...]:
        """The last training of each run, and where it stands."""
        return tuple((job, job.report.state) for job in list(self._jobs.values()))

    def runs(self) -> list[Standing]:
        """All runs in the folder, newest first; those that have just been started, too."""
        folder = Path(self.limits.runs)
        found = entries_in(folder, linked=False) if folder.is_dir() else []
        standing = [Standing(e, self._jobs.get(e.path)) for e in reversed(found)]
        known = {each.entry.path for each in standing}
        begun = [
            Standing(Entry(path, "", 0, 0, job.report.state, {}, None, {}), job)
            for path, job in self._jobs.items()
            if path not in known
        ]
        return [*reversed(begun), *standing]

    def close(self) -> None:
        """Let all trainings stop after the step under way, each with a checkpoint."""
        jobs = list(self._jobs.values())
        for job in jobs:
            job.close()
        for job in jobs:
            if not job.wait(GRACE):
                job.kill()

    def _make_room(self) -> None:
        if sum(not job.over for job in self._jobs.values()) >= self.limits.processes:
            told = f"{self.limits.processes} trainings are under way, as many as the studio takes"
            fail("GF130", told, help="stop one of them, or wait until one is done")
