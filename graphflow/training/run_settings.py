"""What a run was made with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from graphflow.files import Json


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
    kernels: str | None = None
    exact_conv: bool | None = None
    workers: int | None = None
    servers: int | None = None
    staleness: int | None = None
    precision: str | None = None
    pipeline: int | None = None
    micro_batches: int | None = None

    def to_json(self) -> dict[str, Json]:
        """As ``run.json`` keeps it."""
        return asdict(self) | {"log": list(self.log)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Json]) -> RunSettings:
        """What ``to_json`` gave, among whatever else; an older version may have said less.

        Raises ValueError for anything else.
        """
        known = {name: kept[name] for name in cls.__dataclass_fields__ if name in kept}
        for name, value in known.items():
            if not _fits(name, value):
                raise ValueError(f"{json.dumps(value)} is no '{name}'")
        return cls(**known)  # type: ignore[arg-type]

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


def _fits(name: str, value: Json) -> bool:
    """Whether a setting can have this value."""
    if name == "overrides":
        return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    if name == "log":
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if name in ("file", "folder"):
        return isinstance(value, str)
    if name == "exact_conv":
        return value is None or isinstance(value, bool)
    if name in ("dtype", "backend", "kernels", "precision"):
        return value is None or isinstance(value, str)
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def of_data(overrides: Mapping[str, str]) -> dict[str, str]:
    """The overrides of the data section. A graph that holds all of them is given these again: a
    path that is named in the file stays below its folder, one that is given may lie anywhere.

    >>> of_data({"hidden": "8", "data.path": "/data/rows.csv"})
    {'data.path': '/data/rows.csv'}
    """
    return {path: value for path, value in overrides.items() if path.startswith("data.")}
