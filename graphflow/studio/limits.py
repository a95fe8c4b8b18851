"""What a studio lets the files of its visitors touch, and how much they may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


def half_of_the_memory() -> int:
    """Half of this machine's memory, in bytes."""
    import psutil

    return int(psutil.virtual_memory().total) // 2


@dataclass(frozen=True)
class Limits:
    """The limits of one studio, for all who visit it.

    Files are read below ``folders`` and ``runs`` alone (beside the canned graphs, the folder that
    ``GRAPHFLOW_DATA`` names and the cache of downloads), links followed; training writes below
    ``runs``, everything else writes nothing. A question takes at most ``seconds``, a training
    ``training_seconds`` in one go, and each process ``memory`` bytes. A file that is sent to the
    studio holds at most ``upload_bytes``. At most ``processes`` visitors are answered at once, and
    as many trainings run. With ``network``, published data may be downloaded into the cache.
    """

    folders: tuple[str, ...] = field(default_factory=lambda: (str(Path.cwd()),))
    runs: str = field(default_factory=lambda: str(Path.cwd() / "runs"))
    seconds: float = 120.0
    memory: int = field(default_factory=half_of_the_memory)
    upload_bytes: int = 1_000_000
    network: bool = False
    processes: int = 8
    training_seconds: float = 86_400.0

    @property
    def upload_megabytes(self) -> int:
        """``upload_bytes`` as a server counts them: megabytes of 1024 x 1024 bytes, rounded up.

        >>> Limits(memory=0).upload_megabytes, Limits(memory=0, upload_bytes=2**21).upload_megabytes
        (1, 2)
        """
        return max(1, -(-self.upload_bytes // 2**20))
