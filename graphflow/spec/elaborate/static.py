"""Arithmetic on values that are known while the graph is built: sizes, arguments, conditions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from inspect import signature
from itertools import pairwise

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, fail
from graphflow.ir.dims import Symbolic, product
from graphflow.ir.types import BroadcastError, broadcast
from graphflow.ops.builder import Value
from graphflow.spec.elaborate.bound import Bound, Function, Instance, describe, is_number

LARGEST = 2**53


class NotStatic(Exception):
    """The result depends on a symbol in a way that a size cannot express: use graph nodes."""


def binary(op: str, left: Bound, right: Bound, mark: Mark | None) -> Bound:
    """``left op right`` for static operands. NotStatic when a symbol makes that impossible."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        return _on_lists(op, left, right, mark)
    if not (_numeric(left) and _numeric(right)):
        fail("GF026", f"'{op}' cannot join {describe(left)} and {describe(right)}", mark)
    symbolic = isinstance(left, Symbolic) or isinstance(right, Symbolic)
    if symbolic and (op in {"/", "**"} or isinstance(left, float) or isinstance(right, float)):
        if op == "**" and isinstance(right, int) and not isinstance(right, bool) and right >= 0:
            return product([left] * right)  # type: ignore[list-item]
        raise NotStatic
    try:
        return _bounded(_ARITHMETIC[op](left, right), mark)
    except ZeroDivisionError:
        fail("GF033", "division by zero", mark)
    except OverflowError:
        fail("GF004", "the result is too large", mark)
    except KeyError:
        fail("GF026", f"'{op}' needs tensors, not {describe(left)} and {describe(right)}", mark)


def _bounded(value: object, mark: Mark | None) -> Bound:
    if isinstance(value, int) and abs(value) >= LARGEST:
        fail("GF004", "a whole number beyond 2^53", mark, help="write it as a float: 1e20")
    if isinstance(value, complex):
        fail("GF033", "a root of a negative number", mark)
    return value  # type: ignore[return-value]


def _power(a: float, b: float) -> object:
    if isinstance(a, int) and isinstance(b, int) and b > 64:
        raise OverflowError
    return a**b


_ARITHMETIC: dict[str, Callable[..., object]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": _power,
}


def _numeric(value: Bound) -> bool:
    return is_number(value) or isinstance(value, bool)


def _on_lists(op: str, left: Bound, right: Bound, mark: Mark | None) -> Bound:
    if op == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        return left + right
    if op == "*" and isinstance(left, tuple) and isinstance(right, int) and right <= 1000:
        return left * right
    fail("GF026", f"'{op}' cannot join {describe(left)} and {describe(right)}", mark)


def is_table(value: Bound) -> bool:
    """Whether a value is a list of numbers, or of such lists: a tensor written out.

    >>> is_table(((1, 2), (3, 4))), is_table(("a",)), is_table(2)
    (True, False, False)
    """
    return isinstance(value, tuple) and all(
        is_number(item) or isinstance(item, bool) or is_table(item) for item in value
    )


def is_nested(value: Bound) -> bool:
    """Whether a value is a list of lists."""
    return isinstance(value, tuple) and any(isinstance(item, tuple) for item in value)


class NotNumbers(GraphflowError):
    """A comparison by size of what has none: a requirement of a block does not hold then."""


def compare(op: str, left: Bound, right: Bound, mark: Mark | None) -> bool:
    """A comparison that must be decided now; an error when it hangs on an open symbol."""
    if op in {"==", "!="} and not (is_number(left) and is_number(right)):
        return (_word(left) == _word(right)) is (op == "==")
    if not (is_number(left) and is_number(right)):
        message = f"'{op}' cannot compare {describe(left)} and {describe(right)}"
        raise NotNumbers(Diagnostic("GF026", message, mark))
    difference: object = left - right  # type: ignore[operator]
    if isinstance(difference, Symbolic):
        fail(
            "GF026",
            f"whether {describe(left)} {op} {describe(right)} is not known "
            "while the graph is built",
            mark,
            help="conditions of 'if' must be decided before anything runs; use where(...) or "
            "cond: for choices that depend on data",
        )
    assert isinstance(difference, int | float)
    return _COMPARISONS[op](0 if left == right else difference)  # inf - inf is no number


def _word(value: Bound) -> Bound:
    """A function equals its name: ``reduction=sum`` means ``reduction='sum'``."""
    return value.name if isinstance(value, Function) else value


_COMPARISONS: dict[str, Callable[[float], bool]] = {
    "==": lambda d: d == 0,
    "!=": lambda d: d != 0,
    "<": lambda d: d < 0,
    "<=": lambda d: d <= 0,
    ">": lambda d: d > 0,
    ">=": lambda d: d >= 0,
}


def truth(value: Bound, mark: Mark | None) -> bool:
    """A static condition: false for false, none, 0 and the empty list."""
    if isinstance(value, Value | Symbolic):
        fail(
            "GF026",
            f"a condition of 'if' must be known while the graph is built, and this is "
            f"{describe(value)}",
            mark,
            help="use where(condition, a, b) to choose by data, or given(x) to ask whether an "
            "argument was given",
        )
    return isinstance(value, Function | Instance) or bool(value)


# -- functions of static values ------------------------------------------------------------------


def _dim(x: Bound, axis: Bound) -> Bound:
    shape = _shape(x)
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        raise ValueError(f"dim: {describe(x)} has no axis {describe(axis)}")
    return shape[axis]


def _shape(x: Bound) -> tuple[Bound, ...]:
    if not isinstance(x, Value):
        raise ValueError(f"{describe(x)} has no shape")
    return x.shape


def _range(*bounds: Bound) -> Bound:
    if not bounds or not all(isinstance(b, int) for b in bounds):
        raise ValueError("range needs whole numbers")
    return tuple(range(*bounds))  # type: ignore[arg-type]


def _prod(items: Bound) -> Bound:
    if not isinstance(items, tuple):
        raise ValueError("prod needs a list")
    return product(items)  # type: ignore[arg-type]


def _len(items: Bound) -> Bound:
    if not isinstance(items, tuple):
        raise ValueError(f"{describe(items)} has no length")
    return len(items)


def _per_axis(value: Bound, axes: Bound) -> Bound:
    """One value for each of ``axes`` axes: a list as it is, a number repeated."""
    if isinstance(value, tuple):
        if len(value) != axes:
            raise ValueError(f"{describe(value)} has {len(value)} items, not {describe(axes)}")
        return value
    return (value,) * axes  # type: ignore[operator]


def _without(items: Bound, axis: Bound) -> Bound:
    """A list without one of its items."""
    if not isinstance(items, tuple) or not isinstance(axis, int):
        raise ValueError("without needs a list and the position of an item")
    if not -len(items) <= axis < len(items):
        raise ValueError(f"{describe(items)} has no item {axis}")
    position = axis % len(items)
    return items[:position] + items[position + 1 :]


def _is_increasing(items: Bound) -> bool:
    """A list of numbers that rise, or of lists whose first numbers do."""
    if not isinstance(items, tuple):
        return False
    firsts = [item[0] if isinstance(item, tuple) and item else item for item in items]
    numbers = [item for item in firsts if isinstance(item, int | float)]
    return len(numbers) == len(items) and all(a < b for a, b in pairwise(numbers))


def _is_size(value: Bound, axes: int = 0) -> bool:
    """A positive whole number (or a symbol), or a list of one for each of ``axes`` axes."""
    if isinstance(value, tuple):
        return 0 < len(value) == axes and all(map(_is_size, value))
    whole = isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, Symbolic) or (whole and value > 0)  # type: ignore[operator]


def _broadcasts(x: Bound, y: Bound) -> bool:
    """Whether two shapes stretch to a common one; a list is a shape."""
    shapes = [v if isinstance(v, tuple) else _shape(v) for v in (x, y)]
    try:
        broadcast(*shapes)  # type: ignore[arg-type]
    except BroadcastError:
        return False
    return True


QUERIES: dict[str, Callable[..., Bound]] = {
    "dim": _dim,
    "shape": _shape,
    "ndim": lambda x: len(_shape(x)),
    "size": lambda x: product(_shape(x)),  # type: ignore[arg-type]
    "given": lambda x: x is not None and x is not False,
    "len": _len,
    "range": _range,
    "per_axis": _per_axis,
    "without": _without,
    "prod": _prod,
    "same_shape": lambda x, y: _shape(x) == _shape(y),
    "dtype": lambda x: x.dtype if isinstance(x, Value) else None,
    "is_integer": lambda x: x.dtype.is_integer if isinstance(x, Value) else isinstance(x, int),
    "is_size": _is_size,
    "is_switch": lambda x: x is None or isinstance(x, bool | Value),
    "is_increasing": _is_increasing,
    "is_list": lambda x: isinstance(x, tuple),
    "broadcasts": _broadcasts,
    "is_tensor": lambda x: isinstance(x, Value),
}
"""Functions that ask about their arguments and never make a node. ``prod``, ``size`` and the like
of tensors that have an operator of the same name go to the operator when given a tensor."""

ALSO_OPERATORS = frozenset({"prod"})

MATH: dict[str, Callable[..., object]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "abs": abs,
    "max": lambda *items: max(items),
    "min": lambda *items: min(items),
    "minimum": min,
    "maximum": max,
    "sum": lambda *items: sum(items),
}
"""Operators that are computed at once when every argument is a plain number."""
OF_LISTS = frozenset({"max", "min", "sum"})
"""Those that are computed at once of a list of numbers, too."""


def call_math(name: str, args: Sequence[Bound], mark: Mark | None) -> Bound:
    """A mathematical function of plain numbers.

    NotStatic where it is the operator's: of sizes that are symbols, and of tables, of which only
    the largest, the smallest and the sum of one list are numbers.
    """
    items = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
    if any(isinstance(a, Symbolic | tuple) for a in items):
        raise NotStatic
    if items is not args and name not in OF_LISTS:
        raise NotStatic
    try:
        return _bounded(MATH[name](*items), mark)
    except (ValueError, OverflowError, TypeError):
        shown = ", ".join(map(describe, items))
        fail("GF033", f"{name}({shown}) is not defined", mark)


def call_query(name: str, args: Sequence[Bound], mark: Mark | None) -> Bound:
    """A question about static properties of the arguments."""
    question = QUERIES[name]
    try:
        signature(question).bind(*args)
    except TypeError:
        fail("GF022", f"{name} does not take {len(args)} arguments", mark)
    try:
        return question(*args)
    except ValueError as error:
        fail("GF022", str(error), mark)
    except TypeError:
        fail("GF022", f"{name} is not defined for {', '.join(map(describe, args))}", mark)
