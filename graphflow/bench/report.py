"""What was measured, as ratios: for JSON, for a terminal, for a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphflow.bench.child import OURS, SECONDS
from graphflow.bench.peers import PEERS
from graphflow.bench.rows import Row
from graphflow.bench.timing import FOREIGN, Bench, Taken

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
            self.row.name, _number(self.ratio), _aim(self.row),
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


def _aim(row: Row) -> str:
    return "" if row.target is None else f"{row.target:.2f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _range(taken: Taken) -> str:
    return f"{_number(taken.spread[0])} to {_number(taken.spread[1])}" if taken.spread else ""
