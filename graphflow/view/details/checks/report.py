"""What checks found, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphflow.diagnostics import Mark

Part = Literal["golden", "gradients", "determinism", "precision"]
PARTS: tuple[Part, ...] = ("golden", "gradients", "determinism", "precision")
Verdict = Literal["good", "held", "bad", "none"]
"""``none`` where there was nothing to check, ``held`` where gradients agree only as long as
``stop_gradient`` holds values still.
"""
Status = Literal[
    "good", "held", "wrong", "corner", "no derivative", "not finite", "not checked", "tie"
]  # fmt: skip
FAILING: tuple[Status, ...] = ("wrong", "not finite")


@dataclass(frozen=True)
class Row:
    """One thing that was checked: a node, or one expected value.

    ``expected`` and ``found`` are texts, ``error`` is their difference as the check measures it and
    ``tolerance`` what it may be; both None where nothing was compared. ``words`` say what that
    means.
    """

    name: str
    what: str
    status: Status
    expected: str
    found: str
    error: float | None
    tolerance: float | None
    words: str
    mark: Mark | None = None

    @property
    def failing(self) -> bool:
        """Whether this row makes the verdict bad."""
        return self.status in FAILING


@dataclass(frozen=True)
class Section:
    """One of the four checks. ``first`` names the first node that is wrong; ``seconds`` is how long
    it took, ``note`` what the verdict must not be read without.
    """

    part: Part
    title: str
    verdict: Verdict
    words: str
    rows: tuple[Row, ...]
    first: str = ""
    seconds: float = 0.0
    note: str = ""

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that are wrong."""
        return tuple(row for row in self.rows if row.failing)


@dataclass(frozen=True)
class CheckReport:
    """What was asked for, in order."""

    sections: tuple[Section, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was found wrong."""
        return all(section.verdict != "bad" for section in self.sections)

    def section(self, part: Part) -> Section:
        """One of the checks that were made."""
        return next(section for section in self.sections if section.part == part)


def verdict_of(rows: tuple[Row, ...]) -> Verdict:
    """Bad with a failing row, none where no row was compared."""
    if any(row.failing for row in rows):
        return "bad"
    if any(row.status == "held" for row in rows):
        return "held"
    return "good" if any(row.status in ("good", "corner", "tie") for row in rows) else "none"


def counted(number: int, noun: str) -> str:
    """``1 node``, ``2 nodes``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
