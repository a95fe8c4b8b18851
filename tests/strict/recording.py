"""What the strict namespace is asked to do, noted: what waits for the device, and lines of launches
that are recorded and repeated as a device repeats them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

waits: list[str] = []
_launches: ContextVar[list[Callable[[], None]] | None] = ContextVar("launches", default=None)
"""What has been launched since a recording began."""


class Unrecordable(RuntimeError):
    """What the host has a part in, within a recording."""


@contextmanager
def watched() -> Iterator[list[str]]:
    """What waits for the device meanwhile, one entry each time."""
    waits.clear()
    yield waits
    waits[:] = []


def waited(what: str) -> None:
    """Something waits for the device."""
    if recording():
        raise Unrecordable(f"{what} waits for the device")
    waits.append(what)


def recorded(run: Callable[[], None]) -> list[Callable[[], None]]:
    """Run something, and what it has launched: each does the same once more, on the same memory.
    Only that is repeated, as a device repeats a graph: no line of Python in between.
    """
    assert not recording()
    launches: list[Callable[[], None]] = []
    token = _launches.set(launches)
    try:
        run()
    finally:
        _launches.reset(token)
    return launches


def launch(compute: Callable[[], tuple[np.ndarray, ...]], results: Sequence[Any]) -> None:
    """Compute results as one kernel does, whatever of this namespace stands for it."""

    def alone() -> tuple[np.ndarray, ...]:
        token, count = _launches.set(None), len(waits)
        try:
            return compute()
        finally:
            _launches.reset(token)
            del waits[count:]

    for place, value in zip(results, alone(), strict=True):
        np.copyto(place._host, value)
    launched(alone, results)


def recording() -> bool:
    """Whether what runs is part of a recording."""
    return _launches.get() is not None


def launched(compute: Callable[[], Any], places: Sequence[Any] = ()) -> None:
    """A launch has computed these arrays of the device, or has written into what there was."""
    launches = _launches.get()
    if launches is None:
        return

    def again() -> None:
        made = compute()
        values = made if isinstance(made, tuple | list) else (made,)
        for place, value in zip(places, values if places else (), strict=True):
            np.copyto(place._host, value)

    launches.append(again)
