"""Ctrl-C as a request to stop, by what can be stopped at any moment without a loss."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible(stop: Callable[[], None], stopping: Callable[[], bool]) -> Iterator[None]:
    """The first Ctrl-C calls ``stop``; one that comes while it is ``stopping`` ends at once.

    Only the main thread hears of Ctrl-C, so elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:
        if stopping():
            raise KeyboardInterrupt
        stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
