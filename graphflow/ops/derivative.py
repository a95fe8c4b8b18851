"""Derivatives as expressions: placeholders that autodiff expands into graph (rule 17).

``gradient(y, x)``, ``jvp(y, x, v)``, ``jacobian(y, x)`` and ``hessian(y, x)`` are nodes like any
other. They have a type as soon as they are written; :func:`graphflow.autodiff.expand_derivatives`
replaces each by the nodes that compute it, so the result can be differentiated again.
"""

from __future__ import annotations

from graphflow.diagnostics import fail
from graphflow.ir.types import TensorType, TupleType
from graphflow.ops.op import Op, register


class Derivative(Op):
    """Base of the placeholders."""

    family = "derivative"
    abstract = True


@register
class Gradients(Derivative):
    """The derivatives of a scalar y with respect to one or several x, each of its x's shape.

    A file writes ``gradient(y, x)``, which is the ``item`` of this for its one x.

    ``zero`` allows an x that y does not depend on; its derivative is then zero.
    """

    latex = r"\frac{{\partial {y}}}{{\partial {x}}}"
    example = """\
nodes:
  x: linspace(1.0, 3.0, 3)
  y: sum(x ** 2)
  g: gradient(y, x)
outputs: [g]
"""

    def infer(self, y: TensorType, *x: TensorType, zero: bool = False) -> TupleType:
        if y.shape != ():
            fail(
                "GF050",
                f"gradient needs a scalar, but y has shape {list(y.shape)}",
                help="take the gradient of sum(y) or mean(y), or use jacobian(y, x)",
            )
        differentiable(y, *x)
        return TupleType(x)


@register
class Jvp(Derivative):
    """Forward mode: the derivative of y along v. (dy/dx) v, of y's shape."""

    latex = r"\frac{{\partial {y}}}{{\partial {x}}} {v}"
    example = """\
nodes:
  x: linspace(1.0, 3.0, 3)
  y: x ** 2
  along: jvp(y, x, [1.0, 0.0, 1.0])
outputs: [along]
"""

    def infer(self, y: TensorType, x: TensorType, v: TensorType) -> TensorType:
        differentiable(y, x)
        if v.shape != x.shape:
            fail("GF030", f"jvp: x has shape {list(x.shape)} but v has {list(v.shape)}")
        return y


@register
class Jacobian(Derivative):
    """All derivatives of y by x: shape of y, then shape of x."""

    latex = r"\frac{{\partial {y}}}{{\partial {x}}}"
    example = """\
nodes:
  x: linspace(1.0, 3.0, 3)
  y: x ** 2
  j: jacobian(y, x)
outputs: [j]
"""

    def infer(self, y: TensorType, x: TensorType) -> TensorType:
        differentiable(y, x)
        return TensorType(x.dtype, (*y.shape, *x.shape))


@register
class Hessian(Derivative):
    """Second derivatives of a scalar y by x: shape of x twice."""

    latex = r"\frac{{\partial^2 {y}}}{{\partial {x}^2}}"
    example = """\
nodes:
  x: linspace(1.0, 3.0, 3)
  y: sum(x ** 3)
  h: hessian(y, x)
outputs: [h]
"""

    def infer(self, y: TensorType, x: TensorType) -> TensorType:
        if y.shape != ():
            fail("GF050", f"hessian needs a scalar, but y has shape {list(y.shape)}")
        differentiable(y, x)
        return TensorType(x.dtype, (*x.shape, *x.shape))


def differentiable(*types: TensorType) -> None:
    """Derivatives exist for real numbers only."""
    for t in types:
        if not t.dtype.is_float:
            fail("GF051", f"{t.dtype} values have no derivative", help="cast them to float first")
