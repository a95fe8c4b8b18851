"""Runs that are kept beside a table until it is whole: whoever is stopped goes on with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from graphflow.bench.rows import Row
from graphflow.bench.timing import Bench, Run
from graphflow.diagnostics import fail
from graphflow.files import append_row, read_rows

PACKAGE = Path(__file__).parent.parent
SOURCES = {".py", ".yaml"}


@dataclass(frozen=True)
class Kept:
    """The runs in a file of JSON lines. The first line says what was measured: runs of another
    machine or of other code would tell nothing about this one.
    """

    file: Path
    about: dict[str, object]

    @classmethod
    def beside(cls, table: Path, about: Mapping[str, object]) -> Kept:
        """Of what would be measured now, ``about`` it, beside the file of a table."""
        return cls(table.with_suffix(".runs.jsonl"), {**about, "sources": sources()})

    def resumed(self, bench: Bench) -> int | None:
        """Give a bench the runs that an earlier one has left; how many, or None where they are of
        something else, and are deleted.
        """
        rows = read_rows(self.file)
        if rows[:1] != [self.about]:
            self.done()
            return None if rows else 0
        for row in rows[1:]:
            key, run = self._run(row)
            bench.found.setdefault(key, []).append(run)
        return len(rows) - 1

    def keep(self, row: Row, implementation: str, run: Run) -> None:
        """Write down a run."""
        if not self.file.exists():
            append_row(self.file, self.about)
        append_row(self.file, {"row": row.name, "by": implementation, **asdict(run)})

    def _run(self, row: dict[str, object]) -> tuple[tuple[str, str], Run]:
        match row:
            case {"row": str(name), "by": str(by), "milliseconds": float(ms), "load": float(load)}:
                return (name, by), Run(ms, load)
        fail("GF064", f"'{self.file}' cannot be read: {row} is no run", help="delete it")

    def done(self) -> None:
        """Nothing is left to go on with."""
        self.file.unlink(missing_ok=True)


def sources() -> str:
    """A checksum of graphflow's own files: code and library."""
    found = hashlib.sha256()
    for file in sorted(p for p in PACKAGE.rglob("*") if p.suffix in SOURCES):
        found.update(f"{file.relative_to(PACKAGE)}\0{file.stat().st_size}\0".encode())
        found.update(file.read_bytes())
    return found.hexdigest()
