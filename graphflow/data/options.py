"""Options of a data source, read from the signature of the function that builds it.

The kinds an option may have are the annotations ``int``, ``float``, ``bool``, ``str``,
``Literal``, ``Sequence``, ``Mapping``, ``tuple``, unions of them, and ``Annotated[..., Between]``
for numbers with bounds. The same annotation checks a value and says what is expected.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from graphflow.diagnostics import Diagnostic, GraphflowError


@dataclass(frozen=True, slots=True)
class Between:
    """Inclusive bounds of a number, or of each side when it annotates an option of a source."""

    low: float
    high: float = math.inf

    def __str__(self) -> str:
        return f"{self.low} or more" if self.high == math.inf else f"{self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a source: its kind (a Python annotation) and its default."""

    kind: object
    default: object
    required: bool

    def accepts(self, value: object) -> bool:
        """Whether ``value`` has the option's kind and lies within its bounds."""
        return _matches(value, self.kind)

    @property
    def expected(self) -> str:
        """The kind in words.

        >>> Option(Annotated[int, Between(1)], 3, required=False).expected
        'a whole number, 1 or more'
        """
        return _describe(self.kind)


class OptionError(GraphflowError):
    """Problems with what one option says: a caller who knows where it is written says so."""

    def __init__(self, option: str, *diagnostics: Diagnostic) -> None:
        self.option = option
        super().__init__(*diagnostics)


@contextmanager
def concerning(option: str) -> Iterator[None]:
    """Problems raised inside this block are problems with ``option``, if with none already."""
    try:
        yield
    except OptionError:
        raise
    except GraphflowError as error:
        raise OptionError(option, *error.diagnostics) from None


FOLDER = "folder"  # given by the caller of load, never an option of a file


def options_of(build: Callable[..., object]) -> dict[str, Option]:
    """The options that the function ``build`` takes, in order, without ``folder``."""
    kinds = get_type_hints(build, include_extras=True)
    empty = inspect.Parameter.empty
    return {
        name: Option(
            kinds.get(name, object),
            None if parameter.default is empty else parameter.default,
            required=parameter.default is empty,
        )
        for name, parameter in inspect.signature(build).parameters.items()
        if name != FOLDER
    }


def _matches(value: object, kind: object) -> bool:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _matches(value, args[0]) and all(_within(value, bound) for bound in args[1:])
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in args)
    if origin in (Union, UnionType):
        return any(_matches(value, each) for each in args)
    if origin is tuple:
        fits = isinstance(value, (list, tuple)) and len(value) == len(args)
        return fits and all(map(_matches, value, args))  # type: ignore[call-overload]
    if origin is Sequence:
        return isinstance(value, (list, tuple)) and all(_matches(v, args[0]) for v in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            _matches(k, args[0]) and _matches(v, args[1]) for k, v in value.items()
        )
    if kind in (int, float):
        return is_number(value, Integral if kind is int else Real)
    return isinstance(value, kind) if isinstance(kind, type) else True


def is_number(value: object, kind: type) -> bool:
    """Finite and not a bool, which Python counts as an integer."""
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # a whole number beyond every float
        return False


def _within(value: object, bound: object) -> bool:
    return not isinstance(bound, Between) or bool(bound.low <= value <= bound.high)  # type: ignore[operator]


_WORDS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    NoneType: "null",
}


def _describe(kind: object) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return ", ".join([_describe(args[0]), *map(str, args[1:])])
    if origin is Literal:
        return " or ".join(repr(choice) for choice in args)
    if origin in (Union, UnionType):
        return " or ".join(map(_describe, args))
    if origin is tuple:
        return f"a list [{'; '.join(map(_describe, args))}]"
    if origin is Sequence:
        return f"a list (each item {_describe(args[0])})"
    if origin is Mapping:
        return f"a mapping (each value {_describe(args[1])})"
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))
