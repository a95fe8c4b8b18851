"""Numbers that an operator cannot use: refused at once, or, on a device, noted and refused later.

To look at a number of a device's array is to wait for the device. So what runs there may note on
the device that something was wrong; whoever runs it looks once, after all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from graphflow.ops.op import Array

_NOTE: ContextVar[Array | None] = ContextVar("note", default=None)


@contextmanager
def noting(note: Array) -> Iterator[None]:
    """What is wrong inside is noted: ``note``, a truth value on the device, becomes true."""
    token = _NOTE.set(note)
    try:
        yield
    finally:
        _NOTE.reset(token)


def is_noted() -> bool:
    """Whether what is wrong is noted, and told later."""
    return _NOTE.get() is not None


def is_wrong(found: Array) -> bool:
    """Whether a truth value is true. Where that is noted nobody waits for it: False.

    >>> import numpy as np
    >>> note = np.array(False)
    >>> with noting(note):
    ...     is_wrong(np.array(True))
    False
    >>> bool(note), is_wrong(np.array(True))
    (True, True)
    """
    note = _NOTE.get()
    if note is None:
        return bool(found)
    note |= found
    return False
