"""Comparisons, logic and choice: where an operand is larger, where both hold, one or the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphflow.diagnostics import fail
from graphflow.ir.types import DType, TensorType
from graphflow.ops.builder import F, Value
from graphflow.ops.elementwise import Binary, Elementwise, joined
from graphflow.ops.op import Array, Namespace, Sample, register


class Comparison(Binary):
    """Base of comparisons: the result is boolean and has no derivative."""

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        return TensorType(DType.BOOL, joined(x, y))

    jvp = None  # type: ignore[assignment]

    def samples(self) -> Iterator[Sample]:
        x, y = np.array([[1.0, 2.0, 3.0]]), np.array([[2.0], [3.0]])
        yield Sample([x, y], expected=getattr(np, self.ufunc)(x, y), differentiable=False)


@register
class Equal(Comparison):
    """Where x = y."""

    latex, ufunc = "{x} = {y}", "equal"


@register
class NotEqual(Comparison):
    """Where x and y differ."""

    latex, ufunc = r"{x} \ne {y}", "not_equal"


@register
class Less(Comparison):
    """Where x < y."""

    latex, ufunc = "{x} < {y}", "less"


@register
class LessEqual(Comparison):
    """Where x <= y."""

    latex, ufunc = r"{x} \le {y}", "less_equal"


@register
class Greater(Comparison):
    """Where x > y."""

    latex, ufunc = "{x} > {y}", "greater"


@register
class GreaterEqual(Comparison):
    """Where x >= y."""

    latex, ufunc = r"{x} \ge {y}", "greater_equal"


@register
class LogicalAnd(Comparison):
    """Where both are true."""

    latex, ufunc = r"{x} \land {y}", "logical_and"


@register
class LogicalOr(Comparison):
    """Where one of both is true."""

    latex, ufunc = r"{x} \lor {y}", "logical_or"


@register
class LogicalXor(Comparison):
    """Where exactly one of both is true."""

    latex, ufunc = r"{x} \oplus {y}", "logical_xor"


@register
class LogicalNot(Elementwise):
    """Where x is false."""

    latex, ufunc = r"\lnot {x}", "logical_not"
    jvp = None  # type: ignore[assignment]

    def infer(self, x: TensorType) -> TensorType:
        return x.with_dtype(DType.BOOL)

    def samples(self) -> Iterator[Sample]:
        yield Sample([np.array([True, False])], {}, np.array([False, True]), False)


class Test(Elementwise):
    """Base of questions about one number: the result is boolean and has no derivative."""

    jvp = None  # type: ignore[assignment]

    def infer(self, x: TensorType) -> TensorType:
        return x.with_dtype(DType.BOOL)

    def samples(self) -> Iterator[Sample]:
        x = np.array([1.0, np.nan, np.inf, -np.inf])
        yield Sample([x], {}, getattr(np, self.ufunc)(x), False)
        yield Sample([np.array([0, 1])], {}, getattr(np, self.ufunc)(np.array([0, 1])), False)


@register
class Isnan(Test):
    """Where x is not a number."""

    latex, ufunc = r"{x} \text{{ is nan}}", "isnan"


@register
class Isinf(Test):
    """Where x is infinite, of either sign."""

    latex, ufunc = r"|{x}| = \infty", "isinf"


@register
class Isfinite(Test):
    """Where x is a number and not infinite."""

    latex, ufunc = r"|{x}| < \infty", "isfinite"


@register
class Where(Elementwise):
    """A choice for each element: x where the condition holds, y elsewhere.

    The branch that was not chosen gets the gradient 0 at that element, whatever its value. What
    *computed* it may still turn that into nan (0 * inf), so guard its operand rather than its
    result: ``where(x > 0, log(where(x > 0, x, 1)), 0)``.
    """

    latex, retains = r"{x} \text{{ where }} {condition} \text{{ else }} {y}", ("condition",)
    promotes = (1, 2)

    def infer(self, condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
        if condition.dtype is not DType.BOOL:
            fail("GF031", f"the condition of where is {condition.dtype}, not bool")
        return TensorType(x.dtype, joined(condition, x, y))

    def forward(self, xp: Namespace, condition: Array, x: Array, y: Array) -> Array:
        return xp.where(condition, x, y)

    def vjp(
        self, g: Value, out: Value, condition: Value, x: Value, y: Value
    ) -> Sequence[Value | None]:
        none = g.like(0)
        return None, F.where(condition, g, none), F.where(condition, none, g)

    def samples(self) -> Iterator[Sample]:
        condition = np.array([[True], [False]])
        x, y = np.array([1.0, 2.0]), np.array([[5.0, 6.0], [7.0, 8.0]])
        yield Sample([condition, x, y], expected=np.array([[1.0, 2.0], [7.0, 8.0]]))
