"""Ctrl-C as a request to stop, by what can be stopped at any moment without a loss; and being
terminated as a Ctrl-C.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible(stop: Callable[[], None], stopping: Callable[[], bool]) -> Iterator[None]:
    """The first Ctrl-C, or SIGTERM, calls ``stop``; one that comes while it is ``stopping`` ends at
    once.
    """

    def handle(number: int, frame: object) -> None:
        if stopping():
            raise KeyboardInterrupt
        stop()

    with _handled(signal.SIGINT, handle), _handled(signal.SIGTERM, handle):
        yield


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends what is done here as Ctrl-C does, so that nothing is left running or unsaid."""
    with _handled(signal.SIGTERM, signal.default_int_handler):
        yield


@contextmanager
def kept(number: signal.Signals) -> Iterator[None]:
    """A signal is handled afterwards as it was before: what runs inside may want it for itself."""
    with _handled(number, signal.getsignal(number)):  # type: ignore[arg-type]  # as it was
        yield


@contextmanager
def _handled(number: signal.Signals, handler: Callable[[int, FrameType | None], object]
             ) -> Iterator[None]:  # fmt: skip
    """A signal is handled so for a while. Only the main thread hears of signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
