"""The standard library: layers, losses, metrics, initialisers, optimizers and learning rates.

They are blocks in the language itself, one file a family, so that a reader can open any of them
and step inside.
"""

from __future__ import annotations

from importlib.resources import files as _resources
from importlib.resources.abc import Traversable


def files() -> list[Traversable]:
    """The library's files, by name.

    >>> files()[0].name
    'activations.yaml'
    """
    found = (item for item in _resources(__name__).iterdir() if item.name.endswith(".yaml"))
    return sorted(found, key=lambda item: item.name)
