"""Products of matrices; what ONNX has of linear algebra."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.table import plain, writes
from graphflow.ir.types import DType

NARROW = frozenset({DType.BOOL, DType.INT8, DType.UINT8, DType.INT16, DType.UINT16})
"""Number types that ONNX does not multiply matrices of: they go by way of int32."""

plain({"det": "Det"})


def widened(c: Call) -> list[str]:
    """The operands in a number type that can be multiplied."""
    narrow = c.out.dtype in NARROW
    return [c.cast(x, DType.INT32) if narrow else x for x in c.inputs]


def narrowed(c: Call, product: str) -> str:
    """A product in the number type of the result: overflow goes round in both."""
    return c.cast(product, c.out.dtype) if c.out.dtype in NARROW else product


@writes("matmul")
def matmul(c: Call) -> str:
    """The product of matrices, by NumPy's rules."""
    return narrowed(c, c.op("MatMul", *widened(c)))


@writes("addmm")
def addmm(c: Call) -> str:
    """A multiple of a product, added."""
    start, x, y, alpha = widened(c)
    return narrowed(c, c.op("Add", start, c.op("Mul", alpha, c.op("MatMul", x, y))))


@writes("einsum")
def einsum(c: Call) -> str:
    """A sum of products; axes of size 1 are stretched beforehand."""
    subscripts = c.attrs["subscripts"]
    assert isinstance(subscripts, str)
    terms = subscripts.partition("->")[0].split(",")
    pairs = [p for t, x in zip(terms, c.types, strict=True) for p in zip(t, x.shape, strict=True)]
    sizes = dict(pairs) | {letter: size for letter, size in pairs if size != 1}
    operands = []
    for term, type, x in zip(terms, c.types, widened(c), strict=True):
        full = tuple(sizes[letter] for letter in term)
        operands.append(x if full == type.shape else c.op("Expand", x, c.dims(full)))
    return narrowed(c, c.op("Einsum", *operands, equation=subscripts))


@writes("slogdet")
def slogdet(c: Call) -> Sequence[str]:
    """Sign and logarithm of the determinant, which must not overflow here."""
    determinant = c.op("Det", c.x)
    return c.op("Sign", determinant), c.op("Log", c.op("Abs", determinant))
