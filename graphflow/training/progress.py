"""Where training stands, and how it ended: plain data that a checkpoint keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from graphflow.diagnostics import fail
from graphflow.files import Json
from graphflow.training.history import History

LATER = ("waiting", "waits")
"""What checkpoints of older versions do not hold."""


@dataclass(frozen=True)
class Best:
    """The epoch with the best value of the metric that a file's ``best:`` names."""

    metric: str
    epoch: int
    step: int
    metrics: Mapping[str, float]

    @property
    def value(self) -> float:
        """The metric's value in that epoch."""
        return self.metrics[self.metric]


@dataclass
class Progress:
    """Where training stands. ``sums`` and ``rows`` make up the running means of the epoch, whose
    names begin with ``part``; ``finished`` says that what a run waits for has come true.

    ``waiting`` are sums over the ``waits`` batches that have not become an update yet.
    ``batches`` are those of an epoch, None where there is no data and thus no end of one. ``best``
    is the best epoch so far, ``reached`` what early stopping measures improvement from and
    ``waited`` the epochs without any.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    finished: bool = False
    part: str = "train/"
    best: Best | None = None
    reached: float | None = None
    waited: int = 0
    waiting: dict[str, float] = field(default_factory=dict)
    waits: int = 0
    batches: int | None = field(default=None, metadata={"lasting": False})
    stopped: bool = field(default=False, metadata={"lasting": False})

    def stop(self) -> None:
        """End training after the step or the epoch under way; a checkpoint is written."""
        self.stopped = True

    def add(self, values: Mapping[str, float], rows: int, averaged: bool) -> None:
        """Count one step's values into the means of the epoch, or let them stand alone."""
        if not averaged:
            self.sums, self.rows = {}, 0
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * rows
        self.rows += rows

    def gather(self, values: Mapping[str, float]) -> None:
        """Count one batch's values into those of the update that it is for."""
        for name, value in values.items():
            self.waiting[name] = self.waiting.get(name, 0.0) + value
        self.waits += 1

    def gathered(self) -> dict[str, float]:
        """The means over the batches of an update, which has been made.

        >>> progress = Progress()
        >>> progress.gather({"loss": 3.0}), progress.gather({"loss": 1.0})
        (None, None)
        >>> progress.gathered(), progress.waits
        ({'loss': 2.0}, 0)
        """
        means = {name: total / self.waits for name, total in self.waiting.items()}
        self.waiting, self.waits = {}, 0
        return means

    def means(self) -> dict[str, float]:
        """The epoch's means so far."""
        return {f"{self.part}{n}": total / self.rows for n, total in self.sums.items()}

    def to_json(self) -> dict[str, Json]:
        """As a checkpoint keeps it."""
        found = asdict(self)
        return {name: found[name] for name in _lasting()}

    @classmethod
    def from_json(cls, saved: Mapping[str, Json]) -> Progress:
        """What ``to_json`` gave. GF064 for anything else."""
        try:
            values = {n: saved[n] for n in _lasting() if n in saved or n not in LATER}
            best = values["best"]
            values["best"] = None if best is None else Best(**best)  # type: ignore
        except (KeyError, TypeError) as error:
            fail("GF064", f"the checkpoint does not say where training stood: {error}")
        return cls(**values)  # type: ignore[arg-type]


def _lasting() -> list[str]:
    """The fields that outlive the process."""
    return [f.name for f in fields(Progress) if f.metadata.get("lasting", True)]


@dataclass(frozen=True)
class Outcome:
    """How training ended.

    ``metrics`` are those of the last epoch (of an interrupted run, the last complete one), of the
    best one where its values were restored.
    ``stopped_early`` says that early stopping ended it, ``interrupted`` that somebody did;
    ``history`` holds the values that the file's ``history:`` keeps.
    """

    progress: Progress
    metrics: Mapping[str, float]
    seconds: float
    interrupted: bool
    stopped_early: bool = False
    restored: bool = False
    history: History = field(default_factory=History)

    @property
    def finished(self) -> bool:
        """Whether what the ``until`` of a run waits for has come true."""
        return self.progress.finished

    @property
    def best(self) -> Best | None:
        """The best epoch, where the file asks for it."""
        return self.progress.best
