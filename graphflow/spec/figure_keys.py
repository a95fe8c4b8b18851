"""What the keys of figures hold: names of what is shown, pairs of numbers, sizes, words.

A figure names what it shows: nodes, parameters, inputs and states; ``w1.grad``, the derivative of
the loss; ``train/loss``, a metric; ``w[0]`` and ``x[:, 1]``, parts of a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark, fail
from graphflow.spec.kinds import Kind, Leaf, ListOf, Schema
from graphflow.spec.leaves import INTEGER, NUMBER, TEXTS, choice
from graphflow.spec.values import Scalar, Seq, Value

_ENTRY = r" *(?:-?\d+|:) *"
_REF = re.compile(
    r"(?P<name>[^\W\d][\w.]*(?:/[\w./ -]+)?)"
    rf"(?:\[(?P<index>{_ENTRY}(?:,{_ENTRY})*)\])?"
)


@dataclass(frozen=True, slots=True)
class Ref:
    """What a figure shows: ``train/loss``, ``w1``, ``w1.grad``, ``w[0]``, ``x[:, 1]``."""

    name: str
    mark: Mark = field(compare=False, repr=False)
    entries: tuple[int | None, ...] = ()
    """Places along the first axes; None stands for all of them."""

    @property
    def metric(self) -> bool:
        """Whether this is a metric: the report of a part."""
        return "/" in self.name

    def __str__(self) -> str:
        places = ", ".join(":" if place is None else str(place) for place in self.entries)
        return f"{self.name}[{places}]" if places else self.name

    @property
    def index(self) -> tuple[int | slice, ...]:
        """The entries as NumPy takes them."""
        return tuple(slice(None) if place is None else place for place in self.entries)


def _ref(value: Value) -> Ref:
    match = _REF.fullmatch(value.text) if isinstance(value, Scalar) else None
    if match is None:
        text = f"'{value.text}' is not" if isinstance(value, Scalar) else "a list or mapping is not"
        fail("GF025", f"{text} what a figure can show", value.mark,
             help="such as w1, w1.grad, w[0], x[:, 1] or train/loss; all else is computed in a "
             "line of 'nodes:'")  # fmt: skip
    places = [place.strip() for place in (match["index"] or "").split(",") if place]
    entries = tuple(None if place == ":" else int(place) for place in places)
    return Ref(match["name"], value.mark, entries)


class _Refs:
    """One name, or a list of them."""

    def read(self, value: Value, mark: Mark) -> tuple[Ref, ...]:
        return _LIST.read(value, mark) if isinstance(value, Seq) else (_ref(value),)

    def schema(self, defs: Schema) -> Schema:
        return {"type": ["string", "array"], "items": {"type": "string"}}


def _two_refs(value: Value) -> tuple[Ref, ...]:
    found = REFS.read(value, value.mark)
    if len(found) != 2:
        fail("GF013", f"two names are expected here, not {len(found)}", value.mark)
    return found


class _RefOrTexts:
    """A node whose values are the words, or the words themselves."""

    def read(self, value: Value, mark: Mark) -> Ref | tuple[str, ...]:
        return TEXTS.read(value, mark) if isinstance(value, Seq) else _ref(value)

    def schema(self, defs: Schema) -> Schema:
        return {"type": ["string", "array"], "items": {"type": "string"}}


def _pair(value: Value) -> tuple[float, float]:
    found = ListOf(NUMBER, "numbers").read(value, value.mark)
    if len(found) != 2 or found[0] >= found[1]:
        fail("GF013", "two numbers are expected here, the smaller one first", value.mark)
    return found[0], found[1]


def _sizes(value: Value) -> tuple[int, ...]:
    found = ListOf(INTEGER, "sizes").read(value, value.mark)
    if len(found) not in (2, 3) or min(found) < 1:
        help = "[8, 8], or [3, 32, 32] with channels"
        fail("GF013", "the shape of an image is expected here", value.mark, help=help)
    return found


def _dimensions(value: Value) -> int:
    number = INTEGER.read(value, value.mark)
    if number not in (2, 3):
        fail("GF013", f"2 or 3 dimensions are expected here, not {number}", value.mark)
    return number


def _positive(value: Value) -> int:
    number = INTEGER.read(value, value.mark)
    if number < 1:
        fail("GF013", f"a whole number from 1 on is expected here, not {number}", value.mark)
    return number


REF: Kind[Ref] = Leaf(_ref, {"type": "string"})
_LIST = ListOf(REF, "names")
REFS = _Refs()
WORDS = _RefOrTexts()
TWO_REFS = Leaf(
    _two_refs, {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
)
PAIR = Leaf(_pair, {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})
SIZES = Leaf(_sizes, {"type": "array", "items": {"type": "integer"}})
COUNT: Kind[int] = Leaf(_positive, {"type": "integer", "minimum": 1})
DIMENSIONS = Leaf(_dimensions, {"enum": [2, 3]})
LOG = choice("x", "y", "xy")
