"""The transforms by name, and how a call in a file becomes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from graphflow.data.options import Option, options_of
from graphflow.data.transforms.frame import Transform
from graphflow.diagnostics import did_you_mean, fail

Kind = TypeVar("Kind", bound=type[Transform])

_TRANSFORMS: dict[str, type[Transform]] = {}
TRANSFORMS: Mapping[str, type[Transform]] = MappingProxyType(_TRANSFORMS)
"""What a file may call under ``data: transforms:``."""


def transform(name: str) -> Callable[[Kind], Kind]:
    """Decorator: files call the frozen dataclass by this name; its fields are the arguments."""

    def add(kind: Kind) -> Kind:
        _TRANSFORMS[name] = kind
        return kind

    return add


def arguments(name: str) -> dict[str, Option]:
    """The arguments of a transform in order. Raises GF070 where there is none of that name."""
    if name not in TRANSFORMS:
        offer = f"the transforms are {', '.join(sorted(TRANSFORMS))}"
        fail("GF070", f"unknown transform '{name}'", help=did_you_mean(name, TRANSFORMS) or offer)
    return options_of(TRANSFORMS[name])


def make(name: str, given: Mapping[str, object]) -> Transform:
    """The transform that a call describes, whose arguments stand under their names.

    Raises GF070 for a name, GF071 for values.

    >>> make("log", {"columns": ["price"], "add": 1})
    Log(columns=['price'], add=1)
    """
    known = arguments(name)
    for key, value in given.items():
        if not known[key].accepts(value):
            fail("GF071", f"{name} wants {known[key].expected} for '{key}', not {_shown(value)}")
    return TRANSFORMS[name](**given)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    words = {None: "none", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else repr(value)
