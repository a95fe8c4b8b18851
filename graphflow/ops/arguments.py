"""Reading attributes: axes counted from 0, sizes, one value for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter

from graphflow.diagnostics import fail
from graphflow.ir.dims import Dim, Shape, Symbolic
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, TensorType, ValueType

_KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "DType": ("a number type such as int64", (DType,)),
    "bool": ("true or false", (bool,)),
    "str": ("a word in quotes", (str,)),
    "int": ("an integer", (int, Symbolic)),
    "Dim": ("an integer", (int, Symbolic)),
    "float": ("a number", (int, float, Symbolic)),
    "Symbolic": ("a number", (int, float, Symbolic)),
    "None": ("none", (type(None),)),
}
"""What annotations of single values mean; lists are read by the operators themselves."""


def wanted(parameter: Parameter, value: Attr) -> str | None:
    """What an attribute should be, in words, where its annotation does not allow ``value``.

    >>> def f(*, num: int, dtype: DType | None): ...
    >>> from inspect import signature
    >>> wanted(signature(f).parameters["dtype"], 4), wanted(signature(f).parameters["num"], 4)
    ('a number type such as int64 or none', None)
    """
    names = str(parameter.annotation).split(" | ")
    if not all(name in _KINDS for name in names) or value is parameter.default:
        return None
    for name in names:
        fits = isinstance(value, _KINDS[name][1])
        if fits and isinstance(value, bool) is (name == "bool"):
            return None
    words = dict.fromkeys(_KINDS[name][0] for name in names)
    if "float" in names or "Symbolic" in names:
        words.pop("an integer", None)
    return " or ".join(words)


def operand(types: Sequence[ValueType], index: int = 0) -> TensorType:
    """The type of one operand, which must be a single array."""
    found = types[index]
    if not isinstance(found, TensorType):
        fail("GF031", "several results where one array is wanted", help="pick one of them by name")
    return found


def one_axis(axis: Attr, ndim: int) -> int:
    """``axis`` counted from 0; negative axes count from the end.

    >>> one_axis(-1, 3)
    2
    """
    if isinstance(axis, bool) or not isinstance(axis, int):
        fail("GF033", f"an axis is an integer, not {axis!r}")
    if not -ndim <= axis < ndim:
        fail("GF033", f"axis {axis} is out of range: the array has {counted(ndim, 'axis', 'axes')}")
    return axis % ndim


def many_axes(axis: Attr, ndim: int) -> tuple[int, ...]:
    """``axis`` (an integer, several, or None for all) as sorted numbers counted from 0.

    >>> many_axes((-1, 0), 3), many_axes(None, 2)
    ((0, 2), (0, 1))
    """
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    axes = sorted(one_axis(a, ndim) for a in given)
    if len(set(axes)) < len(axes):
        fail("GF033", f"axis {axis} names an axis twice")
    return tuple(axes)


def default_axis(axis: Attr, ndim: int, op: str) -> int:
    """``axis``, which may be left out where the array has only one."""
    if axis is None:
        if ndim != 1:
            fail("GF033", f"{op} of {ndim} axes needs to know which one", help="add axis=")
        return 0
    return one_axis(axis, ndim)


def size(value: Attr, what: str) -> Dim:
    """A size: a non-negative integer or symbolic."""
    if isinstance(value, Symbolic):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        fail("GF033", f"{what} is a non-negative integer, not {value!r}")
    return value


def shape_of(value: Attr, what: str = "a size in a shape") -> Shape:
    """A shape: one size or a list of sizes."""
    given = value if isinstance(value, tuple) else (value,)
    return tuple(size(v, what) for v in given)


def sizes_of(value: Attr, rank: int, what: str) -> Shape:
    """A size for each of ``rank`` axes; a single one stands for all."""
    sizes = shape_of(value if isinstance(value, tuple) else (value,) * rank, what)
    if len(sizes) != rank:
        fail("GF033", f"{what} has {len(sizes)} values for {counted(rank, 'axis', 'axes')}")
    return sizes


def per_axis(value: Attr, rank: int, what: str, minimum: int = 1) -> tuple[int, ...]:
    """One integer for each of ``rank`` axes; a single one stands for all.

    >>> per_axis(2, 3, "stride")
    (2, 2, 2)
    """
    given = value if isinstance(value, tuple) else (value,) * rank
    if len(given) != rank:
        fail("GF033", f"{what} has {len(given)} values for {counted(rank, 'axis', 'axes')}")
    chosen = []
    for v in given:
        if isinstance(v, bool) or not isinstance(v, int) or v < minimum:
            fail("GF033", f"{what} is an integer of at least {minimum}, not {v!r}")
        chosen.append(v)
    return tuple(chosen)


def paddings(value: Attr, rank: int, what: str = "padding") -> tuple[tuple[Dim, Dim], ...]:
    """(before, after) for each of ``rank`` axes, from one size, one for each axis, or pairs.

    >>> paddings(1, 2), paddings((1, (0, 2)), 2)
    (((1, 1), (1, 1)), ((1, 1), (0, 2)))
    """
    given = value if isinstance(value, tuple) else (value,) * rank
    if len(given) != rank:
        fail("GF033", f"{what} has {len(given)} entries for {counted(rank, 'axis', 'axes')}")
    pairs = []
    for entry in given:
        pair = entry if isinstance(entry, tuple) else (entry, entry)
        if len(pair) != 2:
            fail("GF033", f"{what} of one axis is a size or [before, after], not {list(pair)}")
        pairs.append((size(pair[0], what), size(pair[1], what)))
    return tuple(pairs)


def number(value: Attr, what: str) -> int | float | Symbolic:
    """A number; booleans are not."""
    if isinstance(value, bool) or not isinstance(value, int | float | Symbolic):
        fail("GF033", f"{what} is a number, not {value!r}")
    return value


def whole(value: Attr, what: str) -> int | Symbolic:
    """An integer, negative or not."""
    if isinstance(value, bool) or not isinstance(value, int | Symbolic):
        fail("GF033", f"{what} is an integer, not {value!r}")
    return value


def flag(value: Attr, what: str) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        fail("GF033", f"{what} is true or false, not {value!r}")
    return value


def choice(value: Attr, what: str, options: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in options:
        fail("GF033", f"{what} is one of {', '.join(options)}, not {value!r}")
    return value


def counted(n: int, one: str, many: str) -> str:
    """``1 axis``, ``2 axes``, ``no axes``."""
    return f"{n or 'no'} {one if n == 1 else many}"


def ceil_div(n: Dim, divisor: int | Symbolic) -> Dim:
    """``n / divisor`` rounded up.

    >>> ceil_div(5, 2), ceil_div(-5, -2)
    (3, 3)
    """
    if isinstance(divisor, Symbolic):
        return -1 * (-1 * n // divisor)
    return (n + divisor - 1) // divisor if divisor > 0 else ceil_div(-1 * n, -divisor)


def without(shape: Shape, axes: Sequence[int]) -> Shape:
    """``shape`` without the axes in ``axes``."""
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def replaced(shape: Shape, axis: int, *sizes: Dim) -> Shape:
    """``shape`` with the size at ``axis`` replaced by ``sizes`` (none, one or several)."""
    return (*shape[:axis], *sizes, *shape[axis + 1 :])
