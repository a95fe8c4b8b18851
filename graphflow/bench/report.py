"""What was measured, as ratios: for JSON, for a terminal, for a file."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from graphflow.backends.sets import KernelsName
from graphflow.bench.child import OURS, SECONDS
from graphflow.bench.peers import PEERS, versions
from graphflow.bench.roofline import Rates
from graphflow.bench.rows import Row
from graphflow.bench.timing import FOREIGN, Bench, Taken
from graphflow.files import slug
from graphflow.version import __version__

COLUMNS = ("row", ">ratio", ">target", ">ours ms", ">min to max", ">theirs ms", ">min to max",
           ">at least ms", "against", ">dropped")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """Our runs on one row, beside those of one peer or of none; ``least`` are the milliseconds
    below which this machine does not come.
    """

    row: Row
    ours: Taken
    theirs: Taken | None = None
    against: str | None = None
    least: float | None = None

    @property
    def ratio(self) -> float | None:
        """Our median over theirs."""
        above, below = self.ours.middle, self.theirs.middle if self.theirs else None
        return above / below if above is not None and below is not None else None

    @property
    def dropped(self) -> int:
        """Disturbed runs, of both."""
        return self.ours.dropped + (self.theirs.dropped if self.theirs else 0)

    def to_json(self) -> dict[str, object]:
        """One entry of ``rows``."""
        theirs = self.theirs or Taken(())
        return {
            "name": self.row.name, "ratio": self.ratio, "ours_ms": self.ours.middle,
            "theirs_ms": theirs.middle, "against": self.against, "target": self.row.target,
            "ours_spread_ms": self.ours.spread, "theirs_spread_ms": theirs.spread,
            "ours_runs": len(self.ours.kept), "theirs_runs": len(theirs.kept),
            "dropped": self.dropped, "least_ms": self.least,
        }  # fmt: skip

    def cells(self) -> tuple[str, ...]:
        """The texts of ``COLUMNS``."""
        theirs = self.theirs or Taken(())
        return (
            self.row.name, _number(self.ratio), f"{self.row.target:.2f}",
            _number(self.ours.middle), _range(self.ours), _number(theirs.middle), _range(theirs),
            _number(self.least), self.against or "", str(self.dropped),
        )  # fmt: skip


def lines(bench: Bench, least: Mapping[str, float] | None = None) -> list[Line]:
    """What has been measured so far: for each peer a line, for each row of which there are runs.
    ``least`` are milliseconds by the row's name.
    """
    started = [row for row in bench.rows if bench.taken(row, OURS).runs]
    least = least or {}
    if not bench.peers:
        return [Line(row, bench.taken(row, OURS), least=least.get(row.name)) for row in started]
    return [
        Line(row, bench.taken(row, OURS), bench.taken(row, peer), peer, least.get(row.name))
        for peer in bench.peers
        for row in started
    ]


def geometric_mean(found: Sequence[Line], against: str) -> float | None:
    """Of the ratios against one peer.

    The rows of which no run was kept are left out.
    """
    logs = [math.log(x.ratio) for x in found if x.against == against and x.ratio is not None]
    return math.exp(sum(logs) / len(logs)) if logs else None


def means(found: Sequence[Line]) -> list[str]:
    """A sentence about each peer."""
    told = []
    for peer in dict.fromkeys(line.against for line in found if line.against):
        mean = geometric_mean(found, peer)
        count = sum(x.against == peer and x.ratio is not None for x in found)
        if mean is not None:
            told.append(f"geometric mean against {PEERS[peer].about}: {mean:.3f} ({count} rows)")
    return told


def about_dropped(found: Sequence[Line]) -> str | None:
    """What was left out, if anything was."""
    ours = {line.row.name: line.ours.dropped for line in found}
    count = sum(ours.values()) + sum(line.theirs.dropped for line in found if line.theirs)
    if not count:
        return None
    runs = "1 run was" if count == 1 else f"{count} runs were"
    return f"{runs} dropped: others used more than {FOREIGN:.0%} of a processor"


def machine(threads: int, peers: Sequence[str], kernels: KernelsName, rates: Rates) -> list[str]:
    """This machine and what runs on it, in words: no names of hosts or places."""
    cores, memory = psutil.cpu_count(logical=False), psutil.virtual_memory().total
    return [
        f"{processor()}, {cores or '?'} cores, {os.cpu_count()} logical processors, "
        f"{memory / 2**30:.0f} GiB of memory",
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"graphflow {__version__}, "
        + ", ".join(f"{name} {number}" for name, number in packages(peers, kernels).items()),
        f"our kernels: {kernels}; "
        + (f"{threads} threads on either side" if threads > 1 else "1 thread on either side"),
        f"at best {rates.flops / 1e9:.0f} GFLOP/s in a product of matrices, "
        f"{rates.bytes / 1e9:.0f} GB/s read and written in a copy",
    ]


def packages(peers: Sequence[str], kernels: KernelsName) -> dict[str, str]:
    """The versions of what computes, ours and the peers'."""
    needed = {"numpy": ("numpy",), "numba": ("numpy", "numba")}
    ours = needed.get(kernels, ("numpy", "numba", "onednn-cpu-gomp"))
    return {name: version(name) for name in ours} | versions(peers)


def processor() -> str:
    """The model of the processor."""
    listed = Path("/proc/cpuinfo")
    text = listed.read_text(encoding="utf-8") if listed.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def written_to(out: Path, kernels: KernelsName) -> Path:
    """The file for a table: ``out``, or in a folder one that is named after the processor, and
    after the kernels if these are not numba's. The folders to it are made.
    """
    cores = psutil.cpu_count(logical=False) or os.cpu_count()
    others = "" if kernels == "numba" else f" {kernels}"
    named = f"{processor()} {cores} cores{others}.md"
    file = out if out.suffix else out / f"{slug(named)}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def markdown(found: Sequence[Line], about: Sequence[str], rounds: int) -> str:
    """The table as a page."""
    heads = [column.lstrip(">") for column in COLUMNS]
    marks = ["---:" if column.startswith(">") else "---" for column in COLUMNS]
    rows = [heads, marks, *(line.cells() for line in found)]
    dropped = about_dropped(found)
    return "\n".join([
        "# Training steps, ours beside others'", "",
        *(f"- {line}" for line in about),
        f"- medians of {rounds} processes a side, taken in turns, each of {SECONDS:g} s of steps",
        *([f"- {dropped}"] if dropped else []), "",
        *("| " + " | ".join(row) + " |" for row in rows), "",
        *means(found), "",
    ])  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _range(taken: Taken) -> str:
    return f"{_number(taken.spread[0])} to {_number(taken.spread[1])}" if taken.spread else ""
