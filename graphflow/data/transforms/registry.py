"""The transforms by name, and how a call in a file becomes one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from graphflow.data.options import Option, options_of
from graphflow.data.transforms.table import Transform
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
    """The arguments of a transform in order."""
    return options_of(TRANSFORMS[name])


def make(name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> Transform:
    """The transform that a call describes. Raises GF070 for a name, GF071 for arguments.

    >>> make("log", ["price"], {"add": 1})
    Log(columns='price', add=1)
    """
    if name not in TRANSFORMS:
        offer = f"the transforms are {', '.join(sorted(TRANSFORMS))}"
        fail("GF070", f"unknown transform '{name}'", help=did_you_mean(name, TRANSFORMS) or offer)
    known, kind = arguments(name), TRANSFORMS[name]
    try:
        given = inspect.signature(kind).bind(*args, **kwargs).arguments
    except TypeError:
        wrong = [key for key in kwargs if key not in known]
        shown = ", ".join(k if o.required else f"{k}={_shown(o.default)}" for k, o in known.items())
        close = did_you_mean(wrong[0], known) if wrong else None
        unknown = f": it has no argument '{wrong[0]}'" if wrong else ""
        fail("GF071", f"{name} cannot be called like this{unknown}",
             help=close or f"it is {name}({shown})")  # fmt: skip
    for key, value in given.items():
        if not known[key].accepts(value):
            fail("GF071", f"{name} wants {known[key].expected} for '{key}', not {_shown(value)}")
    return kind(**given)


def _shown(value: object) -> str:
    words = {None: "none", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else repr(value)
