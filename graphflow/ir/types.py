"""What a value is: a number type and a shape.

``float`` is the program's float type: it stays open in the graph and is fixed (float32, float64,
...) when a program is compiled. Number constants are weak and take the type they meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from graphflow.ir.dims import Dim, Shape, bind, product, symbols


class DType(Enum):
    """Number types, narrow before wide; ``FLOAT`` is the program's own float type.

    ``BFLOAT16`` is what a policy of precision makes of it; files have no word for it.
    """

    BOOL = "bool"
    UINT8 = "uint8"
    INT8 = "int8"
    UINT16 = "uint16"
    INT16 = "int16"
    UINT32 = "uint32"
    INT32 = "int32"
    UINT64 = "uint64"
    INT64 = "int64"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"
    FLOAT = "float"
    FLOAT64 = "float64"

    @property
    def is_float(self) -> bool:
        return self in _FLOATS

    @property
    def is_integer(self) -> bool:
        return self in _INTEGERS

    @property
    def is_unsigned(self) -> bool:
        return self in _UNSIGNED

    @property
    def itemsize(self) -> int:
        """Bytes of one element; the open float type counts as float32."""
        return _ITEMSIZE[self]

    def __str__(self) -> str:
        return self.value

    __repr__ = __str__


_HALVES = frozenset({DType.FLOAT16, DType.BFLOAT16})
_FLOATS = _HALVES | {DType.FLOAT32, DType.FLOAT, DType.FLOAT64}
_SIGNED = (DType.INT8, DType.INT16, DType.INT32, DType.INT64)
_UNSIGNED = (DType.UINT8, DType.UINT16, DType.UINT32, DType.UINT64)
_INTEGERS = frozenset({*_SIGNED, *_UNSIGNED})
_ORDER = list(DType)
_ITEMSIZE = dict(zip(_ORDER, (1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 4, 8), strict=True))
_WRITTEN = [d for d in DType if d is not DType.BFLOAT16]
_SPELLINGS = {d.value: d for d in _WRITTEN} | {"int": DType.INT64, "double": DType.FLOAT64}


def dtype_named(name: str) -> DType | None:
    """The type a file calls ``name`` (``int`` is int64), or None."""
    return _SPELLINGS.get(name)


def dtype_names() -> Sequence[str]:
    """Every spelling a file may use."""
    return list(_SPELLINGS)


def promote(*dtypes: DType) -> DType:
    """The type that holds all of ``dtypes``: bool < integers < floats, then by width.

    Signed and unsigned integers meet in the narrowest signed type that holds both, as in NumPy and
    PyTorch; for uint64 there is none, and int64 stands for it (NumPy leaves the integers there). An
    integer meeting a float takes the float's type, as in PyTorch. Neither float16 nor bfloat16
    holds the other; they meet in float32.

    >>> promote(DType.INT64, DType.FLOAT), promote(DType.BOOL, DType.INT32)
    (float, int32)
    >>> promote(DType.UINT8, DType.INT8), promote(DType.UINT16, DType.INT64)
    (int16, int64)
    """
    if _HALVES.issubset(dtypes):
        dtypes = (*dtypes, DType.FLOAT32)
    widest = max(dtypes, key=_ORDER.index)
    unsigned = [d.itemsize for d in dtypes if d in _UNSIGNED]
    if not (widest.is_integer and unsigned and any(d in _SIGNED for d in dtypes)):
        return widest
    wanted = min(8, max(widest.itemsize, 2 * max(unsigned)))
    return next(d for d in _SIGNED if d.itemsize == wanted)


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type of one array.

    >>> TensorType(DType.FLOAT, (2, 3))
    float[2, 3]
    """

    dtype: DType
    shape: Shape = ()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """Number of elements."""
        return product(self.shape)

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of these sizes may be of this type, as far as its own are numbers.

        >>> TensorType(DType.FLOAT, (2, 3)).admits((2, 4))
        False
        """
        known = zip(self.shape, shape, strict=False)
        return len(shape) == self.ndim and all(d == n for d, n in known if isinstance(d, int))

    def with_shape(self, shape: Iterable[Dim]) -> TensorType:
        return TensorType(self.dtype, tuple(shape))

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class TupleType:
    """The type of a node with several results; an ``item`` node picks one."""

    items: tuple[TensorType, ...]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"

    __repr__ = __str__


ValueType = TensorType | TupleType


def tensors(value: ValueType) -> tuple[TensorType, ...]:
    """The one or several tensor types of a value."""
    return value.items if isinstance(value, TupleType) else (value,)


def bind_type(value: ValueType, sizes: Mapping[str, Dim], float_type: DType) -> ValueType:
    """``value`` with symbols replaced by sizes and the open float type by ``float_type``."""
    if isinstance(value, TupleType):
        return TupleType(tuple(_bind_tensor(t, sizes, float_type) for t in value.items))
    return _bind_tensor(value, sizes, float_type)


def type_symbols(value: ValueType) -> frozenset[str]:
    """The symbols that a value's shape depends on."""
    return frozenset().union(*(symbols(d) for t in tensors(value) for d in t.shape))


def _bind_tensor(t: TensorType, sizes: Mapping[str, Dim], float_type: DType) -> TensorType:
    dtype = float_type if t.dtype is DType.FLOAT else t.dtype
    return TensorType(dtype, tuple(bind(d, sizes) for d in t.shape))


class BroadcastError(ValueError):
    """Shapes that NumPy's broadcasting rules cannot join; ``axis`` counts from the end."""

    def __init__(self, shapes: Sequence[Shape], axis: int) -> None:
        self.shapes, self.axis = tuple(shapes), axis
        shown = " and ".join(str(list(s)) for s in shapes)
        super().__init__(f"shapes {shown} do not broadcast: they differ in axis {axis}")


def broadcast(*shapes: Shape) -> Shape:
    """The shape that all ``shapes`` stretch to. A size is stretched only from a literal 1.

    >>> broadcast((4, 1), (3,))
    (4, 3)
    """
    result: list[Dim] = []
    for axis in range(-max(map(len, shapes), default=0), 0):
        sizes = {s[axis] for s in shapes if -axis <= len(s)} - {1}
        if len(sizes) > 1:
            raise BroadcastError(shapes, axis)
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)
