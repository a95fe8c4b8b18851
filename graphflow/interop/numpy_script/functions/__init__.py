"""Functions for primitives that are not one call of NumPy.

A script gets the source of those it needs: they use nothing but NumPy and each other.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import getmembers, isfunction

from graphflow.interop.numpy_script.functions import elements, matrices, places, windows

FUNCTIONS: dict[str, Callable[..., object]] = {
    name: function
    for room in (elements, matrices, places, windows)
    for name, function in getmembers(room, isfunction)
}
"""All of them by name."""
