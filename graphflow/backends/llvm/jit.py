"""Numba's compiler, which keeps machine code for later processes where there is a folder for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar, cast

import numba
import numba.extending

F = TypeVar("F", bound=Callable[..., object])


def njit(signature: str | None = None, *, parallel: bool = False) -> Callable[[F], F]:
    """``numba.njit``; what is compiled is kept, unless no folder can be written: then every process
    compiles for itself.
    """
    made = numba.njit(signature, cache=_keeps(), parallel=parallel)
    return cast(Callable[[F], F], made)


def intrinsic(function: Callable[..., object]) -> Callable[..., int]:
    """``numba.extending.intrinsic``, seen as what compiled code calls: it gives a number, if
    anything.
    """
    return cast(Callable[..., int], numba.extending.intrinsic(function))


@cache
def _keeps() -> bool:
    """Whether Numba finds a folder for the functions of this package."""
    try:
        numba.njit(cache=True)(_keeps.__wrapped__)
    except RuntimeError:
        return False
    return True
