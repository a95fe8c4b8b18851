"""Arithmetic, comparisons, functions of one number, changes of number type."""

from __future__ import annotations

from graphflow.interop.onnx.reader.call import Call
from graphflow.interop.onnx.reader.table import maps
from graphflow.ir.types import DType

FUNCTIONS = {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Asin": "asin", "Asinh": "asinh",
    "Atan": "atan", "Atanh": "atanh", "BitwiseNot": "bitwise_not", "Ceil": "ceil", "Cos": "cos",
    "Cosh": "cosh", "Erf": "erf", "Exp": "exp", "Floor": "floor", "IsNaN": "isnan", "Log": "log",
    "Mish": "mish", "Neg": "neg", "Not": "logical_not", "Relu": "relu",
    "Round": "round", "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin", "Sinh": "sinh",
    "Softplus": "softplus", "Softsign": "softsign", "Sqrt": "sqrt", "Tan": "tan", "Tanh": "tanh",
    "HardSwish": "hardswish",
}  # fmt: skip
"""Operators of one operand that have a function of the same meaning here."""
INFIX = {
    "Add": "+", "Sub": "-", "Mul": "*", "Equal": "==", "Greater": ">", "GreaterOrEqual": ">=",
    "Less": "<", "LessOrEqual": "<=",
}  # fmt: skip
PAIRS = {
    "And": "logical_and", "Or": "logical_or", "Xor": "logical_xor", "BitwiseAnd": "bitwise_and",
    "BitwiseOr": "bitwise_or", "BitwiseXor": "bitwise_xor",
}  # fmt: skip
SETTINGS = {
    "Celu": ("celu", "alpha", 1.0), "Elu": ("elu", "alpha", 1.0),
    "LeakyRelu": ("leaky_relu", "alpha", 0.01),
}  # fmt: skip


@maps(*FUNCTIONS)
def function(call: Call) -> str:
    """f(x)."""
    return f"{FUNCTIONS[call.op]}({call.x()})"


@maps("Reciprocal")
def reciprocal(call: Call) -> str:
    """1 / x."""
    return f"1 / {call.x()}"


@maps(*SETTINGS)
def setting(call: Call) -> str:
    """f(x, alpha)."""
    name, attribute, default = SETTINGS[call.op]
    return f"{name}({call.x()}, {call.real(attribute, default)})"


@maps(*INFIX)
def infix(call: Call) -> str:
    """X op y."""
    left = call.x(0) if call.maybe(1) is not None else call.lit(0)
    return f"{left} {INFIX[call.op]} {call.lit(1)}"


@maps(*PAIRS)
def pair(call: Call) -> str:
    """f(x, y)."""
    return f"{PAIRS[call.op]}({call.x(0)}, {call.x(1)})"


@maps("Div")
def div(call: Call) -> str:
    """X / y; whole numbers are rounded towards zero."""
    dtype = call.dtype()
    if dtype.is_float:
        return f"{call.x(0) if call.maybe(1) is not None else call.lit(0)} / {call.lit(1)}"
    x, y = call.x(0), call.x(1)
    if dtype.is_unsigned:
        return f"{x} // {y}"
    return f"sign({x}) * sign({y}) * (abs({x}) // abs({y}))"


@maps("Mod")
def mod(call: Call) -> str:
    """The remainder: with the sign of the divisor, or of the dividend where fmod is 1."""
    x, y = call.x(0), call.x(1)
    if not call.integer("fmod", 0):
        return f"{x} % {y}"
    return f"sign({x}) * (abs({x}) % abs({y}))"


@maps("Pow")
def pow_(call: Call) -> str:
    """X ** y in the type of x."""
    x, y = call.dtype(0), call.dtype(1)
    if x is y:
        return f"{call.x(0)} ** {call.lit(1)}"
    if x.is_float:
        return f"cast({call.x(0)} ** cast({call.x(1)}, {x}), {x})"
    return f"cast({call.x(0)} ** {call.x(1)}, {x})"


@maps("Max", "Min")
def extremes(call: Call) -> str:
    """The largest or smallest of several."""
    name = "maximum" if call.op == "Max" else "minimum"
    found = call.x(0)
    for other in call.xs(1):
        found = f"{name}({found}, {other})"
    return found


@maps("Sum", "Mean")
def total(call: Call) -> str:
    """The sum or the mean of several."""
    found = " + ".join(call.xs())
    return found if call.op == "Sum" else f"({found}) / {call.count}"


@maps("Clip")
def clip(call: Call) -> str:
    """Between two bounds, either of which may be missing."""
    found = call.x()
    if call.has(1):
        found = f"maximum({found}, {call.lit(1)})"
    return f"minimum({found}, {call.lit(2)})" if call.has(2) else found


@maps("Where")
def where(call: Call) -> str:
    """One or the other."""
    return f"where({call.x(0)}, {call.x(1)}, {call.x(2)})"


@maps("Cast", "CastLike")
def cast(call: Call) -> str:
    """The same numbers in another type."""
    dtype = call.dtype(1) if call.op == "CastLike" else call.dtype_attribute("to", None)
    source = call.dtype()
    if source is dtype:
        return call.x()
    if dtype is DType.BOOL:
        return f"{call.x()} != 0"
    return f"cast({call.x()}, {dtype})"


@maps("BitShift")
def shift(call: Call) -> str:
    """Bits moved to the left or to the right."""
    way = call.word("direction").lower()
    return f"{way}_shift({call.x(0)}, {call.x(1)})"


@maps("IsInf")
def is_inf(call: Call) -> str:
    """Whether a number is infinite, of one sign or of either."""
    positive, negative = call.integer("detect_positive", 1), call.integer("detect_negative", 1)
    x = call.x()
    if positive and negative:
        return f"isinf({x})"
    return f"{x} == {'inf' if positive else '-inf'}" if positive or negative else f"{x} != {x}"


@maps("PRelu")
def prelu(call: Call) -> str:
    """X where it is positive, else slope * x."""
    return f"where({call.x()} < 0, {call.x()} * {call.x(1)}, {call.x()})"


@maps("Selu")
def selu(call: Call) -> str:
    """Gamma * elu(x, alpha)."""
    alpha = call.real("alpha", 1.6732632)
    return f"{call.real('gamma', 1.050701)} * elu({call.x()}, {alpha})"


@maps("Gelu")
def gelu(call: Call) -> str:
    """X Phi(x)."""
    return f"gelu({call.x()}, approximate='{call.word('approximate', 'none')}')"


@maps("HardSigmoid")
def hard_sigmoid(call: Call) -> str:
    """Alpha x + beta between 0 and 1."""
    alpha, beta = call.real("alpha", 0.2), call.real("beta", 0.5)
    return f"maximum(minimum({alpha} * {call.x()} + {beta}, 1), 0)"


@maps("ThresholdedRelu")
def thresholded_relu(call: Call) -> str:
    """X above a threshold, else 0."""
    return f"where({call.x()} > {call.real('alpha', 1.0)}, {call.x()}, 0)"


@maps("Shrink")
def shrink(call: Call) -> str:
    """Towards zero by a bias, zero near it."""
    x, lambd, bias = call.x(), call.real("lambd", 0.5), call.real("bias", 0.0)
    return f"where({x} < -{lambd}, {x} + {bias}, where({x} > {lambd}, {x} - {bias}, 0))"


@maps("Swish")
def swish(call: Call) -> str:
    """X sigmoid(alpha x)."""
    return f"silu({call.x()}, {call.real('alpha', 1.0)})"
