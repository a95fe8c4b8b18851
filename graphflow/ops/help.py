"""What a device does for portable forwards that would have to wait for it otherwise.

To look at a number of a device's array is to wait for the device. So a forward that refuses some
numbers (a position that is not there) has them noted there, and whoever runs it looks once, after
all of it; and one that draws has its numbers drawn there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import numpy as np

from graphflow.ops.op import Array


class Help(Protocol):
    """A device, as forwards know it."""

    def note(self, wrong: Array | np.bool) -> None:
        """Note that something is wrong, where this truth value is true."""

    def random(self, key: Array, stream: int, shape: tuple[int, ...]) -> Array:
        """What NumPy's Philox draws for a key (seed, step) and a stream: float64 in 0 <= u < 1."""


_HELP: ContextVar[Help | None] = ContextVar("help", default=None)


@contextmanager
def helped(help: Help) -> Iterator[None]:
    """Forwards inside are those of a device that helps."""
    token = _HELP.set(help)
    try:
        yield
    finally:
        _HELP.reset(token)


def helper() -> Help | None:
    """The device that helps; None where forwards look for themselves."""
    return _HELP.get()


def is_wrong(found: Array | np.bool) -> bool:
    """Whether a truth value is true. A device notes it, and nobody waits for it: False.

    >>> is_wrong(np.array(True))
    True
    """
    help = _HELP.get()
    if help is None:
        return bool(found)
    help.note(found)
    return False
