"""What an elementwise operator does to one element, recorded from its own definition.

``forward`` of an operator is run with a namespace that writes down, instead of computing: each
operand stands for one element of it. What it asks for that has no record (a shape, the values of
an array) ends the recording, and the operator is not for loops.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from graphflow.ir.graph import Attr, Node
from graphflow.ir.types import TensorType
from graphflow.ops.fused import POWERS, REDUCTIONS
from graphflow.ops.narrow import BFLOAT16
from graphflow.ops.op import get_op

Number = bool | int | float
DType = np.dtype[np.generic]
BOOL = np.dtype(np.bool_)
TYPES = frozenset(map(np.dtype, ("bool", "uint8", "int8", "int16", "int32", "int64", "f4", "f8")))
"""The number types that loops are made for."""


@dataclass(frozen=True)
class Language:
    """What loops in a language have besides: functions of floats, by name; with ``narrow`` bfloat16
    in memory, which is computed with in float32.
    """

    functions: frozenset[str] = frozenset()
    narrow: bool = False


PLAIN = Language()
"""That of loops for LLVM."""


def computing(dtype: str | DType) -> DType:
    """The number type that elements of a type in memory are computed with.

    >>> computing("bfloat16"), computing("int8")
    (dtype('float32'), dtype('int8'))
    """
    found = np.dtype(dtype)
    return np.dtype(np.float32) if found == BFLOAT16 else found


class Untraceable(Exception):
    """The operator does something that no loop over elements can do."""


@dataclass(frozen=True, eq=False)
class Scalar:
    """One element: the operation that gives it, and what that reads. Equal ones are one object."""

    tape: Tape = field(repr=False)
    op: str
    args: tuple[Scalar, ...]
    dtype: DType
    extra: Hashable = None
    __array_ufunc__ = None

    def astype(self, dtype: str | DType | type) -> Scalar:
        """The same number in another number type."""
        wanted = np.dtype(dtype)
        if wanted == self.dtype:
            return self
        if wanted == BFLOAT16:
            return self.tape.rounded(self)
        if self.dtype.kind == "f" and wanted.kind in "iu":
            raise Untraceable("what becomes of nan as an integer is not defined")
        return self.tape.record("cast", wanted, self)

    def __add__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("add", self, other)

    def __radd__(self, other: Number) -> Scalar:
        return self.tape.binary("add", other, self)

    def __sub__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("subtract", self, other)

    def __rsub__(self, other: Number) -> Scalar:
        return self.tape.binary("subtract", other, self)

    def __mul__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("multiply", self, other)

    def __rmul__(self, other: Number) -> Scalar:
        return self.tape.binary("multiply", other, self)

    def __truediv__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("divide", self, other)

    def __rtruediv__(self, other: Number) -> Scalar:
        return self.tape.binary("divide", other, self)

    def __neg__(self) -> Scalar:
        return self.tape.unary("negative", self)

    def __lt__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("less", self, other)

    def __le__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("less_equal", self, other)

    def __gt__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("greater", self, other)

    def __ge__(self, other: Scalar | Number) -> Scalar:
        return self.tape.binary("greater_equal", self, other)

    def __bool__(self) -> bool:
        raise Untraceable("a choice by the value of an element")

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Untraceable(f"an element has no {name}")


DEAR = frozenset({"exp", "expm1", "log", "log1p", "tanh"})
SMOOTH = DEAR | {"sqrt"}
STEPS = frozenset({"floor", "ceil", "trunc", "rint"})
TESTS = frozenset({"isnan", "isinf", "isfinite"})
UNARY = {"negative", "absolute", "sign", "logical_not", *SMOOTH, *STEPS, *TESTS}
LOGIC = frozenset({"logical_and", "logical_or", "logical_xor"})
COMPARISONS = frozenset(
    {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
)
ARITHMETIC = {"add", "subtract", "multiply", "divide", "maximum", "minimum"}
BINARY = ARITHMETIC | COMPARISONS | LOGIC


class Tape:
    """The scalars recorded so far; also the array namespace that operators are run with."""

    def __init__(self, language: Language) -> None:
        self._known: dict[Hashable, Scalar] = {}
        self._language = language

    def read(self, dtype: str, where: Hashable) -> Scalar:
        """An element of an array in memory, of this number type."""
        if np.dtype(dtype) == BFLOAT16 and not self._language.narrow:
            raise Untraceable("no loops over bfloat16")
        return self.record("input", computing(dtype), extra=where)

    def rounded(self, x: Scalar) -> Scalar:
        """The bfloat16 that is nearest to a float32, as a float32."""
        if not self._language.narrow or x.dtype.name not in ("float32", "bool"):
            raise Untraceable(f"{x.dtype} as bfloat16")
        return x if x.op == "rounded" else self.record("rounded", np.float32, x.astype(np.float32))

    def record(self, op: str, dtype: DType | type, *args: Scalar, extra: Hashable = None) -> Scalar:
        """The scalar of an operation; one that was recorded before is the same object."""
        dtype = np.dtype(dtype)
        if dtype not in TYPES:
            raise Untraceable(f"no loops over {dtype}")
        key = (op, dtype, *map(id, args), repr(extra))
        if key not in self._known:
            self._known[key] = Scalar(self, op, args, dtype, extra)
        return self._known[key]

    def number(self, value: Number, dtype: DType) -> Scalar:
        """A number that takes the type it meets."""
        if isinstance(value, float) and dtype.kind != "f":
            raise Untraceable("a fraction meets an integer")
        with np.errstate(over="ignore"):
            return self.record("number", dtype, extra=dtype.type(value).item())

    def unary(self, op: str, x: Scalar) -> Scalar:
        """A function of one number."""
        real = x.dtype.kind == "f"
        if op in TESTS or op == "logical_not":
            if op in TESTS and not real:
                raise Untraceable(f"{op} of {x.dtype}")
            return self.record(op, BOOL, x)
        if op in STEPS and x.dtype.kind in "iu":
            return x
        if (op in SMOOTH | STEPS and not real) or x.dtype.kind not in "if":
            raise Untraceable(f"{op} of {x.dtype}")
        return self.record(op, x.dtype, x)

    def binary(self, op: str, x: Scalar | Number, y: Scalar | Number) -> Scalar:
        """A function of two numbers of one type."""
        if not isinstance(x, Scalar):
            assert isinstance(y, Scalar)
            x = self.number(x, y.dtype)
        if not isinstance(y, Scalar):
            y = self.number(y, x.dtype)
        if x.dtype != y.dtype and op not in LOGIC:
            raise Untraceable(f"{op} of {x.dtype} and {y.dtype}")
        if op in LOGIC:
            truths = (v if v.dtype == BOOL else v.astype(BOOL) for v in (x, y))
            return self.record(op, BOOL, *truths)
        if op in COMPARISONS:
            return self.record(op, BOOL, x, y)
        if x.dtype == BOOL or (op == "divide" and x.dtype.kind != "f"):
            raise Untraceable(f"{op} of {x.dtype}")
        return self.record(op, x.dtype, x, y)

    def called(self, op: str, *operands: Scalar) -> Scalar:
        """A function of the library."""
        dtype = operands[0].dtype
        if dtype.kind != "f" or any(x.dtype != dtype for x in operands):
            raise Untraceable(f"{op} of {', '.join(str(x.dtype) for x in operands)}")
        return self.record(op, dtype, *operands)

    def bits(self, op: str, x: Scalar) -> Scalar:
        """What the digits of a float are made of: see LLVM's :mod:`instructions`."""
        return self.record(op, x.dtype, x)

    def where(self, condition: Scalar, x: Scalar | Number, y: Scalar | Number) -> Scalar:
        """One of two numbers."""
        first = next(v for v in (x, y) if isinstance(v, Scalar))
        x, y = (v if isinstance(v, Scalar) else self.number(v, first.dtype) for v in (x, y))
        if x.dtype != y.dtype:
            raise Untraceable(f"a choice between {x.dtype} and {y.dtype}")
        return self.record("where", x.dtype, condition, x, y)

    def power(self, x: Scalar, y: Scalar) -> Scalar:
        """A power whose exponent is written in the graph."""
        if x.dtype.kind != "f" or y.op != "number" or y.extra not in POWERS:
            raise Untraceable("a power that is no product")
        square = x * x
        powers = {-1: 1.0 / x, 1: x, 2: square, 3: square * x, 4: square * square}
        return powers[int(y.extra)]

    def abs(self, x: Scalar) -> Scalar:
        """The absolute value, by its other name."""
        return self.unary("absolute", x)

    def __getattr__(self, name: str) -> Callable[..., Scalar]:
        if name in UNARY:
            return lambda x: self.unary(name, x)
        if name in BINARY:
            return lambda x, y: self.binary(name, x, y)
        if name in self._language.functions:
            return lambda *operands: self.called(name, *operands)
        raise Untraceable(f"there is no {name} of one element")


def recorded(op: str, attrs: Mapping[str, Attr], operands: Sequence[Scalar], tape: Tape) -> Scalar:
    """What an elementwise operator does to one element. Raises :class:`Untraceable`."""
    found: object = get_op(op).forward(tape, *operands, **attrs)
    if not isinstance(found, Scalar):
        raise Untraceable(f"{op} gives no element")
    return found


def has_loop(
    node: Node, types: Sequence[TensorType], language: Language = PLAIN
) -> bool:
    """Whether there are loops for an elementwise node, or sums for a reduction, with operands of
    these types.
    """
    dtypes = tuple(each.dtype.value for each in types)
    return _has_loop(node.op, node.attrs, dtypes, node.tensor.dtype.value, language)


@cache
def _has_loop(
    op: str, attrs: tuple[tuple[str, Attr], ...], dtypes: tuple[str, ...], result: str,
    language: Language,
) -> bool:  # fmt: skip
    tape = Tape(language)
    try:
        operands = [tape.read(d, i) for i, d in enumerate(dtypes)]
        if op in REDUCTIONS:
            return True
        if op == "pow":
            operands[1] = tape.number(2, operands[1].dtype)
        recorded(op, dict(attrs), operands, tape).astype(result)
    except (Untraceable, TypeError):  # Python knows no such operation on an element
        return False
    return True


def constant(value: Attr, dtype: str, tape: Tape) -> Scalar:
    """A number written in the graph."""
    if not isinstance(value, Number):
        raise Untraceable("a constant array")
    if np.dtype(dtype) == BFLOAT16:
        value, dtype = float(np.asarray(value, BFLOAT16)), "float32"
    return tape.number(dtype_value(value, dtype), np.dtype(dtype))


def dtype_value(value: Number, dtype: str) -> Number:
    """A number as the type holds it."""
    kind = np.dtype(dtype).kind
    return float(value) if kind == "f" else bool(value) if kind == "b" else int(value)
