"""Loops unrolled in time: names of the copies of their body, and which of many are drawn.

What runs in the loop ``lstm`` at time 3 is drawn in the copy ``lstm@3``, and ``c`` in it as
``lstm@3/c``. One copy, ``lstm@6..29``, stands for all the time steps that are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

SHOWN = 8
"""The most time steps that are drawn side by side: the first two, four around a moment, the last
two.
"""
TIMES = re.compile(r"@(\d+)(?:\.\.(\d+))?$")

Copies: TypeAlias = Mapping[str, tuple[str, ...]]
"""For each loop that is drawn so, by its name in the drawing, the copy of each of its time steps.
"""


class Span(NamedTuple):
    """The time steps of one copy, the last one included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many there are."""
        return self.last - self.first + 1

    def of(self, loop: str) -> str:
        """The name of the copy.

        >>> Span(3, 3).of("lstm"), Span(6, 29).of("lstm")
        ('lstm@3', 'lstm@6..29')
        """
        return f"{loop}@{self.first}" + (f"..{self.last}" if self.last > self.first else "")


def spans(length: int, moment: int) -> list[Span]:
    """The copies of a loop of ``length`` time steps, those around a moment among them. A single one
    is never left out: what stands for it would take as much room.

    >>> spans(3, 0)
    [Span(first=0, last=0), Span(first=1, last=1), Span(first=2, last=2)]
    >>> [span.of("h") for span in spans(32, 9)]
    ['h@0', 'h@1', 'h@2..7', 'h@8', 'h@9', 'h@10', 'h@11', 'h@12..29', 'h@30', 'h@31']
    """
    start = max(2, min(moment - 1, length - 6))
    kept = {0, 1, *range(start, start + 4), length - 2, length - 1}
    found: list[Span] = []
    for time in range(length):
        shown = length <= SHOWN or time in kept or {time - 1, time + 1} <= kept
        if not shown and time - 1 not in kept and found:
            found[-1] = Span(found[-1].first, time)
        else:
            found.append(Span(time, time))
    return found


def timed(id: str) -> tuple[str, tuple[Span | None, ...]]:
    """A drawn id without the times of copies, and those of each of its parts.

    >>> timed("a@3/b/c")
    ('a/b/c', (Span(first=3, last=3), None, None))
    """
    names, found = list[str](), list[Span | None]()
    for part in id.split("/"):
        match = TIMES.search(part)
        names.append(TIMES.sub("", part))
        found.append(Span(int(match[1]), int(match[2] or match[1])) if match else None)
    return "/".join(names), tuple(found)


def timeless(id: str) -> str:
    """A drawn id without the times of copies.

    >>> timeless("lstm@6..29/c"), timeless("lstm@3")
    ('lstm/c', 'lstm')
    """
    return timed(id)[0]


def stands_for_many(id: str) -> bool:
    """Whether a group is a copy that stands for the time steps that are left out."""
    last = timed(id)[1][-1]
    return last is not None and last.length > 1


def is_at(times: Sequence[Span | None], within: Sequence[tuple[str, int]]) -> bool:
    """Whether loops, each with its time step, are at these times."""
    return not any(times[len(within) :]) and all(
        span is None or span.first <= time <= span.last
        for span, (_, time) in zip(times, within, strict=False)
    )


def in_copy(id: str, within: Sequence[tuple[str, int]], copies: Copies) -> str:
    """Where a drawn id is seen when the loops around it are at these time steps.

    >>> in_copy("lstm/c", [("lstm", 1)], {"lstm": ("lstm@0", "lstm@1")})
    'lstm@1/c'
    """
    path, parts = "", id.split("/")
    for part, (loop, time) in zip(tuple(parts), within, strict=False):
        if part != loop:
            break
        path = f"{path}/{parts.pop(0)}" if path else parts.pop(0)
        path = copies[path][time] if path in copies else path
    return "/".join([*([path] if path else []), *parts])
