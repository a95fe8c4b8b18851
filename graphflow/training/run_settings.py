"""What a run was made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from graphflow.data.tokenizers import Json


@dataclass(frozen=True)
class RunSettings:
    """What a run depends on besides its graph; ``run.json`` keeps it, so that it can be resumed.

    ``folder`` is where the file lay: the data files and weights that it names are found there.
    """

    file: str = ""
    folder: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    dtype: str | None = None
    backend: str | None = None
    epochs: int | None = None
    steps: int | None = None
    log: Sequence[str] = ()

    def to_json(self) -> dict[str, Json]:
        """As ``run.json`` keeps it."""
        return asdict(self) | {"log": list(self.log)}

    @property
    def home(self) -> Path | None:
        """``folder`` as a path; None where there was no file."""
        return Path(self.folder) if self.folder else None

    @property
    def shown(self) -> dict[str, str]:
        """What the run was made with, as names and texts, overrides among them."""
        plain = {n: v for n, v in self.to_json().items() if n not in ("overrides", "log")}
        found = {name: str(value) for name, value in plain.items() if value not in (None, "")}
        return found | {name: str(value) for name, value in self.overrides.items()}


def of_data(overrides: Mapping[str, str]) -> dict[str, str]:
    """The overrides of the data section. A graph that holds all of them is given these again: a
    path that is named in the file stays below its folder, one that is given may lie anywhere.

    >>> of_data({"hidden": "8", "data.path": "/data/rows.csv"})
    {'data.path': '/data/rows.csv'}
    """
    return {path: value for path, value in overrides.items() if path.startswith("data.")}
