"""The threads that kernels run on: Numba's, as a rule those of GNU's OpenMP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numba
from llvmlite import binding

PATIENCE = {"GOMP_SPINCOUNT": "10000"}
"""How often a thread looks for more work before it sleeps: for some tenths of a millisecond, which
is longer than from one kernel to the next. By itself OpenMP looks 300,000 times, and where another
program has one of the processors, every kernel then waits until that has had its turn.
"""
DECIDES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""The environment variables by which a user says it."""


@contextmanager
def patience() -> Iterator[None]:
    """Threads that are started inside this block look for work as long as is good here, unless the
    user has said how long. The environment is as before afterwards.
    """
    if any(name in os.environ for name in DECIDES):
        yield
        return
    os.environ.update(PATIENCE)
    try:
        yield
    finally:
        for name in PATIENCE:
            os.environ.pop(name, None)


def start() -> None:
    """Start the threads, if they are not there."""
    with patience():
        numba.get_num_threads()


def loop() -> int:
    """Where the loop lies whose turns the threads share: Numba's ``parallel_for``."""
    address: int = binding.address_of_symbol("numba_parallel_for")
    return address
