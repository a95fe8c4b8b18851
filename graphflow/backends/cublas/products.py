"""Products of arrays as products of matrices, one or a row of equal ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from graphflow.backends.described import Sizes, Tensor

NUMBERS = ("float16", "bfloat16", "float32", "float64")
"""Number types that are multiplied."""


@dataclass(frozen=True)
class Matrix:
    """A matrix whose rows (``by_rows``) or else columns are in one piece, one every ``apart``
    elements; the next matrix of a row of them begins ``step`` elements behind it.
    """

    rows: int
    columns: int
    by_rows: bool
    apart: int
    step: int


@dataclass(frozen=True)
class Product:
    """z = x y, ``count`` times. ``operands`` are x and y as they are to lie, then a bias, if one is
    added to each row of z; ``results`` is z. With ``tf32`` factors are rounded to TF32 first, with
    ``relu`` negative numbers of z become 0.
    """

    operands: tuple[Tensor, ...]
    results: tuple[Tensor]
    x: Matrix
    y: Matrix
    z: Matrix
    count: int
    tf32: bool = False
    relu: bool = False

    @property
    def biased(self) -> bool:
        """Whether a bias is added."""
        return len(self.operands) > 2

    @property
    def dtype(self) -> str:
        """The number type of all three."""
        return self.results[0].dtype

    @property
    def how(self) -> str:
        """What is computed, in a few words."""
        sizes = f"{self.x.rows} x {self.x.columns} by {self.x.columns} x {self.y.columns}"
        times = f", {self.count} times" if self.count > 1 else ""
        also = {"bias": self.biased, "relu": self.relu, "tf32": self.tf32}
        return ", ".join([f"{sizes}{times}", *(name for name, done in also.items() if done)])


def product(x: Tensor, y: Tensor, z: Tensor, tf32: bool = False) -> Product | None:
    """The product of arrays that lie so, by the rules of ``matmul``; None for what is no row of
    products of matrices. Operands that it cannot read as they lie are wanted row by row, and are
    copied by whoever has them otherwise. ``tf32`` is for those in float32.

    >>> x, y, z = (Tensor("float32", s, (s[1], 1)) for s in ((2, 3), (3, 4), (2, 4)))
    >>> product(x, y, z).how
    '2 x 3 by 3 x 4'
    """
    same = x.dtype == y.dtype == z.dtype and z.dtype in NUMBERS
    if not same or not all(prod(t.shape) for t in (x, y, z)):
        return None
    for ways in ((x, y), (_rowed(x), y), (x, _rowed(y)), (_rowed(x), _rowed(y))):
        for found in _readings(*ways, z):
            return replace(found, tf32=tf32 and z.dtype == "float32")
    return None


def affine(
    x: Tensor, y: Tensor, bias: Tensor, z: Tensor, relu: bool, tf32: bool = False
) -> Product | None:
    """The product of arrays and a matrix that lie so, with a bias in one piece added to its rows,
    and then ``relu``; None for what is no row of products of matrices.
    """
    found = product(x, y, z, tf32)
    if found is None or bias.dtype != z.dtype:
        return None
    return replace(found, operands=(*found.operands, _rowed(bias)), relu=relu)


def _rowed(x: Tensor) -> Tensor:
    """The same array row by row."""
    strides = tuple(prod(x.shape[axis + 1 :]) for axis in range(len(x.shape)))
    return Tensor(x.dtype, x.shape, strides)


def _readings(x: Tensor, y: Tensor, z: Tensor) -> Iterator[Product]:
    """The ways to see a product as one of matrices: all rows as those of one, or one by one."""
    left, right, made = _matrices(x, y, z)
    (rows, inner), columns = left.shape[-2:], right.shape[-1]
    fronts = [_front(t, len(made.shape) - 2) for t in (left, right, made)]
    sizes = made.shape[:-2]
    if len(right.shape) == 2:
        parts = [(*f, t.strides[-2]) for f, t in zip(fronts, (left, right, made), strict=True)]
        one = merged((*sizes, rows), parts[0], parts[2])
        if one is not None:
            count, (x_apart, z_apart) = one
            yield from _product(
                x, y, z, 1, (count, inner, x_apart, left.strides[-1], 0),
                (inner, columns, *right.strides, 0),
                (count, columns, z_apart, made.strides[-1], 0),
            )  # fmt: skip
    one = merged(sizes, *fronts)
    if one is not None:
        count, steps = one
        described = (
            (*t.shape[-2:], *t.strides[-2:], step)
            for t, step in zip((left, right, made), steps, strict=True)
        )
        yield from _product(x, y, z, count, *described)


def _product(x: Tensor, y: Tensor, z: Tensor, count: int, *about: Sizes) -> Iterator[Product]:
    """The product of matrices of these sizes and strides, if they can be read so."""
    left, right, made = (matrix(*each) for each in about)
    if left and right and made and made.by_rows:
        yield Product((x, y), (z,), left, right, made, count)


def _matrices(x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors as matrices of one row or one column, in the result as well."""
    shape, strides = list(z.shape), list(z.strides)
    if len(y.shape) == 1:
        y = Tensor(y.dtype, (*y.shape, 1), (*y.strides, 1))
        shape.append(1)
        strides.append(1)
    if len(x.shape) == 1:
        x = Tensor(x.dtype, (1, *x.shape), (x.shape[0], *x.strides))
        shape.insert(len(shape) - 1, 1)
        strides.insert(len(strides) - 1, shape[-1])
    return x, y, Tensor(z.dtype, tuple(shape), tuple(strides))


def _front(x: Tensor, count: int) -> Sizes:
    """The strides of ``count`` axes before the last two; 0 where an axis is repeated."""
    own = [s if n > 1 else 0 for n, s in zip(x.shape[:-2], x.strides[:-2], strict=True)]
    return (*[0] * (count - len(own)), *own)


def merged(sizes: Sizes, *strides: Sequence[int]) -> tuple[int, list[int]] | None:
    """Several axes of some arrays as one: its size, and its stride in each; None if they are none.

    >>> merged((2, 3), (12, 4), (3, 1)), merged((2, 3), (12, 4), (0, 1))
    ((6, [4, 1]), None)
    """
    size, found = 1, [0] * len(strides)
    for n, *steps in reversed(list(zip(sizes, *strides, strict=True))):
        if n == 1:
            continue
        if size == 1:
            found = steps
        elif steps != [size * step for step in found]:
            return None
        size *= n
    return size, found


def matrix(rows: int, columns: int, down: int, across: int, step: int) -> Matrix | None:
    """A matrix whose rows lie ``down`` elements apart and whose columns ``across``; None if neither
    is in one piece.
    """
    down = columns if rows == 1 else down
    if (across == 1 or columns == 1) and down >= columns:
        return Matrix(rows, columns, True, down, step)
    across = rows if columns == 1 else across
    if (down == 1 or rows == 1) and across >= rows:
        return Matrix(rows, columns, False, across, step)
    return None
