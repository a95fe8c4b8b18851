"""Matrices."""

from __future__ import annotations

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.table import maps


@maps("MatMul")
def matmul(call: Call) -> str:
    """X @ y."""
    return f"{call.x(0)} @ {call.x(1)}"


@maps("Gemm")
def gemm(call: Call) -> str:
    """Alpha A B + beta C, A and B transposed where wanted."""
    a = f"transpose({call.x(0)})" if call.integer("transA", 0) else call.x(0)
    weight = call.x(1)
    b = f"transpose({weight})" if call.integer("transB", 0) else weight
    alpha, beta = call.real("alpha", 1.0), call.real("beta", 1.0)
    found = f"{a} @ {b}" if alpha == 1 else f"{alpha} * ({a} @ {b})"
    if not call.has(2) or beta == 0:
        return found
    return f"{found} + {call.x(2)}" if beta == 1 else f"{found} + {beta} * {call.x(2)}"


@maps("Einsum")
def einsum(call: Call) -> str:
    """Sums of products, as Einstein wrote them."""
    equation = call.word("equation").replace(" ", "")
    return f"einsum('{equation}', {', '.join(call.xs())})"


@maps("Det")
def det(call: Call) -> str:
    """The determinant."""
    return f"det({call.x()})"
