"""Products of matrices; what ONNX has of linear algebra."""

from __future__ import annotations

from collections.abc import Sequence

from graphflow.interop.onnx.writer.emitter import Call
from graphflow.interop.onnx.writer.table import plain, writes

plain({"matmul": "MatMul", "det": "Det"})


@writes("einsum")
def einsum(c: Call) -> str:
    """A sum of products; axes of size 1 are stretched beforehand."""
    subscripts = c.attrs["subscripts"]
    assert isinstance(subscripts, str)
    terms = subscripts.partition("->")[0].split(",")
    pairs = [p for t, x in zip(terms, c.types, strict=True) for p in zip(t, x.shape, strict=True)]
    sizes = dict(pairs) | {letter: size for letter, size in pairs if size != 1}
    operands = []
    for term, type, x in zip(terms, c.types, c.inputs, strict=True):
        full = tuple(sizes[letter] for letter in term)
        operands.append(x if full == type.shape else c.op("Expand", x, c.dims(full)))
    return c.op("Einsum", *operands, equation=subscripts)


@writes("slogdet")
def slogdet(c: Call) -> Sequence[str]:
    """Sign and logarithm of the determinant, which must not overflow here."""
    determinant = c.op("Det", c.x)
    return c.op("Sign", determinant), c.op("Log", c.op("Abs", determinant))
