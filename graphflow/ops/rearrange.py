"""Splitting, merging and reordering axes by a pattern of names (the notation of einops)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, product
from graphflow.ir.graph import Attr
from graphflow.ir.types import TensorType, ValueType
from graphflow.ops.arguments import operand, size
from graphflow.ops.builder import F, Value
from graphflow.ops.linear import Moving
from graphflow.ops.op import Array, Attrs, Namespace, Sample, register
from graphflow.ops.shape import same_count

Group = tuple[str, ...]
Sizes = tuple[tuple[str, Dim], ...]
ELLIPSIS = "..."


@register
class Rearrange(Moving):
    """Axes split, merged and reordered as a pattern of names says.

    ``rearrange(x, 'b t (h e) -> b h t e', h=8)``: parentheses group names into one axis, ``...``
    stands for the axes not named, ``1`` for an axis of size 1. In each group on the left at most
    one size may be left to be worked out. The result is a reshape, a transpose and a reshape.
    Source: einops, Rogozhnikov 2022.
    """

    latex = r"\operatorname{{rearrange}}({x})"
    view = True

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        pattern, given = attrs["pattern"], attrs["sizes"]
        if not isinstance(pattern, str):
            fail("GF033", f"the pattern of rearrange is a string, not {pattern!r}")
        left, right = parse_pattern(pattern)
        known = _known(given)
        unknown = known.keys() - set(chain(*left))
        if unknown:
            fail("GF033", f"'{pattern}' has no axis named {', '.join(sorted(unknown))}")
        layout = _measured(operand(types).shape, pattern, left, right, known)
        return {"pattern": pattern, "sizes": tuple(sorted(layout.sizes.items()))}

    def infer(self, x: TensorType, *, pattern: str, sizes: Sizes = ()) -> TensorType:
        return x.with_shape(layout_of(x.shape, pattern, sizes).result)

    def forward(self, xp: Namespace, x: Array, *, pattern: str, sizes: Sizes) -> Array:
        layout = layout_of(x.shape, pattern, sizes)
        parts = xp.transpose(xp.reshape(x, layout.parts), layout.order)
        return xp.reshape(parts, layout.result)

    def vjp(
        self, g: Value, out: Value, x: Value, *, pattern: str, sizes: Sizes
    ) -> Sequence[Value | None]:
        left, _, right = pattern.partition("->")
        turned = f"{right.strip()} -> {left.strip()}"
        return (F.rearrange(g, pattern=turned, sizes=sizes),)

    def samples(self) -> Iterator[Sample]:
        x = np.arange(24.0).reshape(2, 3, 4)
        heads = x.reshape(2, 3, 2, 2).transpose(0, 2, 1, 3)
        yield Sample([x], {"pattern": "b t (h e) -> b h t e", "sizes": (("h", 2),)}, heads)
        yield Sample([x], {"pattern": "a ... -> ... a"}, np.moveaxis(x, 0, -1))
        yield Sample([x], {"pattern": "a b c -> (a b) 1 c"}, x.reshape(6, 1, 4))
        yield Sample([x], {"pattern": "a b c -> (a b c)"}, x.reshape(24))


def _known(given: Attr) -> dict[str, Dim]:
    """The sizes handed in, by name."""
    known: dict[str, Dim] = {}
    for entry in given if isinstance(given, tuple) else (given,):
        if not isinstance(entry, tuple) or len(entry) != 2 or not isinstance(entry[0], str):
            fail("GF033", f"the sizes of rearrange are pairs of a name and a size, not {entry!r}")
        known[entry[0]] = size(entry[1], f"the size of {entry[0]}")
    return known


@dataclass(frozen=True)
class Layout:
    """How to rearrange one shape: reshape to parts, transpose by order, reshape to result."""

    parts: Shape
    order: tuple[int, ...]
    result: Shape
    sizes: dict[str, Dim]


def parse_pattern(pattern: str) -> tuple[list[Group], list[Group]]:
    """Both sides of a pattern as groups of names.

    >>> parse_pattern("b (h e) -> b h e")
    ([('b',), ('h', 'e')], [('b',), ('h',), ('e',)])
    """
    if pattern.count("->") != 1:
        fail("GF033", f"'{pattern}' is not of the form 'axes -> axes'")
    left, right = (_groups(side, pattern) for side in pattern.split("->"))
    names = [[n for n in chain(*side) if n != "1"] for side in (left, right)]
    for side in names:
        if len(set(side)) < len(side):
            fail("GF033", f"'{pattern}' names an axis twice on one side")
    if set(names[0]) != set(names[1]):
        odd = sorted(set(names[0]) ^ set(names[1]))
        fail(
            "GF033",
            f"'{pattern}' has {', '.join(odd)} on one side only",
            help="rearrange neither repeats nor reduces; use broadcast_to or sum for that",
        )
    return left, right


def _groups(side: str, pattern: str) -> list[Group]:
    tokens = re.findall(r"\.\.\.|\w+|\(|\)|\S", side)
    groups: list[Group] = []
    inside: list[str] | None = None
    for token in tokens:
        if token == "(" and inside is None:
            inside = []
        elif token == ")" and inside is not None:
            groups.append(tuple(inside))
            inside = None
        elif token == ELLIPSIS and inside is None:
            groups.append((ELLIPSIS,))
        elif token.isidentifier() or token == "1":
            if inside is None:
                groups.append((token,))
            else:
                inside.append(token)
        else:
            fail("GF033", f"'{token}' is out of place in '{pattern}'")
    if inside is not None:
        fail("GF033", f"a parenthesis is not closed in '{pattern}'")
    return groups


def layout_of(shape: Shape, pattern: str, sizes: Sizes) -> Layout:
    """How a pattern in its stored form rearranges a shape."""
    left, right = parse_pattern(pattern)
    return _measured(shape, pattern, left, right, dict(sizes))


def _measured(
    shape: Shape, pattern: str, left: list[Group], right: list[Group], known: dict[str, Dim]
) -> Layout:
    """The layout once every name has a size."""
    extra = len(shape) - (len(left) - ((ELLIPSIS,) in left))
    if extra < 0 or (extra and (ELLIPSIS,) not in left):
        fail("GF030", f"'{pattern}' names {len(left)} axes, but the shape is {list(shape)}")
    rest = [f"{ELLIPSIS}{i}" for i in range(extra)]
    left, right = _spelled(left, rest), _spelled(right, rest)
    sizes = dict(known)
    for group, total in zip(left, shape, strict=True):
        _measure(group, total, sizes, pattern, shape)
    names = [n for n in chain(*left) if n != "1"]
    wanted = [n for n in chain(*right) if n != "1"]
    return Layout(
        tuple(sizes[n] for n in names),
        tuple(names.index(n) for n in wanted),
        tuple(product(sizes[n] for n in group if n != "1") for group in right),
        {n: d for n, d in sizes.items() if n not in rest},
    )


def _spelled(groups: list[Group], rest: list[str]) -> list[Group]:
    """The ellipsis replaced by a name for each axis it stands for."""
    spelled: list[Group] = []
    for group in groups:
        spelled.extend([(n,) for n in rest] if group == (ELLIPSIS,) else [group])
    return spelled


def _measure(group: Group, total: Dim, sizes: dict[str, Dim], pattern: str, shape: Shape) -> None:
    """Find the one size of a group that is not known, and check that the group fills its axis."""
    names = [n for n in group if n != "1"]
    unknown = [n for n in names if n not in sizes]
    if len(unknown) > 1:
        fail("GF033", f"'{pattern}' needs the size of {' or '.join(unknown)}")
    rest = product(sizes[n] for n in names if n in sizes)
    if unknown and rest != 0:
        sizes[unknown[0]] = total // rest
    if (rest == 0 and unknown) or not same_count(product(sizes[n] for n in names), total):
        fail(
            "GF030",
            f"({' '.join(group)}) in '{pattern}' does not fill an axis of size {total}: "
            f"the shape is {list(shape)}",
        )
