"""Work during which Python does not look for cycles of garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside this block Python frees what nobody refers to any more, but looks for no cycles.

    A plan is made of a hundred thousand objects, most of which stay; each look goes through all
    that there are. What is left in cycles is found by the first look after the block.

    >>> with uncollected():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    if not gc.isenabled():  # the user's choice, or a block around this one
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
