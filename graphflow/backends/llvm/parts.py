"""How work is shared out among threads."""

from __future__ import annotations

from functools import cache

import numba


@cache
def threads() -> int:
    """How many parts work is shared out to."""
    return int(numba.get_num_threads())


def share(part: int, parts: int, count: int) -> tuple[int, int]:
    """First and end of one of the parts that ``count`` things are shared out to."""
    return part * count // parts, (part + 1) * count // parts
