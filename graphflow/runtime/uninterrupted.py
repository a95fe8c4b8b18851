"""Writes that an interrupt from the keyboard leaves whole."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal looks names up: 12 microseconds a step
import signal
import threading

SIGINT = int(signal.SIGINT)


class Uninterrupted:
    """Holds back an interrupt from the keyboard until the block is through.

    Interrupts arrive in the main thread only, so elsewhere there is nothing to hold back.
    """

    def __enter__(self) -> None:
        self.pending: list[int] = []
        self.before: object = None
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and _signal.getsignal(SIGINT) is not None:  # None: not set from Python
            self.before = _signal.signal(SIGINT, self.hold)

    def hold(self, number: int, frame: object) -> None:
        """What is called in place of the handler there was."""
        self.pending.append(number)

    def __exit__(self, *raised: object) -> None:
        if self.before is not None:
            _signal.signal(SIGINT, self.before)
            if self.pending and raised[0] is None:
                signal.raise_signal(SIGINT)
