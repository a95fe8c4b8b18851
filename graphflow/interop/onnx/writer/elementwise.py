"""Arithmetic, comparisons, logic and functions of one number."""

from __future__ import annotations

from graphflow.interop.onnx.writer.emitter import Call, Emitter
from graphflow.interop.onnx.writer.table import plain, writes
from graphflow.ir.types import DType

ARITHMETIC = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow",
              "maximum": "Max", "minimum": "Min"}  # fmt: skip
LOGIC = {"add": "Or", "maximum": "Or", "mul": "And", "minimum": "And"}
"""What arithmetic of truth values is."""
COMPARISONS = {"equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
               "greater_equal": "GreaterOrEqual"}  # fmt: skip
JUNCTORS = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
BITS = {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor"}
ROUNDINGS = {"floor": "Floor", "ceil": "Ceil", "round": "Round"}

plain({
    "abs": "Abs", "sign": "Sign", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin",
    "cos": "Cos", "tan": "Tan", "tanh": "Tanh", "asin": "Asin", "acos": "Acos", "atan": "Atan",
    "sinh": "Sinh", "cosh": "Cosh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh",
    "sigmoid": "Sigmoid", "erf": "Erf", "where": "Where",
})  # fmt: skip


@writes(*ARITHMETIC)
def arithmetic(c: Call) -> str:
    """Sums, products, extremes; of truth values the junctor that is the same."""
    if c.out.dtype is DType.BOOL and c.node.op in LOGIC:
        return c.op(LOGIC[c.node.op], *c.inputs)
    return c.op(ARITHMETIC[c.node.op], *c.inputs)


@writes("logaddexp")
def logaddexp(c: Call) -> str:
    """The smooth maximum of two numbers."""
    x, y = c.inputs
    return smooth_maximum(c.emitter, x, y, c.number(0, c.out.dtype))


def smooth_maximum(e: Emitter, x: str, y: str, zero: str) -> str:
    """ln(e^x + e^y), the larger one taken out of the sum, unless it is infinite."""
    largest = e.op("Max", x, y)
    top = e.op("Where", e.op("IsInf", largest), zero, largest)
    total = e.op("Add", *(e.op("Exp", e.op("Sub", each, top)) for each in (x, y)))
    return e.op("Add", e.op("Log", total), top)


@writes("mod")
def mod(c: Call) -> str:
    """The remainder with the divisor's sign."""
    x, y = c.inputs
    return remainder(c, x, y)


def remainder(c: Call, x: str, y: str) -> str:
    """ONNX's Mod has the divisor's sign for integers, but C's fmod for fractions: corrected."""
    if not c.out.dtype.is_float:
        return c.op("Mod", x, y)
    rest = c.op("Mod", x, y, fmod=1)
    zero = c.number(0, c.out.dtype)
    other = c.op("Less", c.op("Mul", c.op("Sign", rest), c.op("Sign", y)), zero)
    return c.op("Where", other, c.op("Add", rest, y), rest)


@writes("floor_div")
def floor_div(c: Call) -> str:
    """(x - x mod y) / y, which comes out even but for rounding."""
    x, y = c.inputs
    quotient = c.op("Div", c.op("Sub", x, remainder(c, x, y)), y)
    return c.op("Round", quotient) if c.out.dtype.is_float else quotient


@writes("neg")
def neg(c: Call) -> str:
    """-x; of unsigned numbers 0 - x."""
    if c.out.dtype.is_unsigned:
        return c.op("Sub", c.number(0, c.out.dtype), c.x)
    return c.op("Neg", c.x)


@writes("relu")
def relu(c: Call) -> str:
    """max(x, 0), which ONNX calls Relu for floats."""
    if c.out.dtype.is_float:
        return c.op("Relu", c.x)
    return c.op("Max", c.x, c.number(0, c.out.dtype))


@writes("softplus")
def softplus(c: Call) -> str:
    """ln(1 + e^(beta x)) / beta, and x above a threshold."""
    dtype = c.out.dtype
    scaled = c.x if c.attrs["beta"] == 1 else c.op("Mul", c.x, c.scalar("beta", dtype))
    smooth = c.op("Softplus", scaled)
    if c.attrs["beta"] != 1:
        smooth = c.op("Div", smooth, c.scalar("beta", dtype))
    if c.attrs["threshold"] is None:
        return smooth
    above = c.op("Greater", scaled, c.scalar("threshold", dtype))
    return c.op("Where", above, c.x, smooth)


@writes(*ROUNDINGS)
def rounding(c: Call) -> str:
    """Integers are round already."""
    return c.op(ROUNDINGS[c.node.op], c.x) if c.out.dtype.is_float else c.x


@writes("trunc")
def trunc(c: Call) -> str:
    """sign(x) floor(|x|)."""
    if not c.out.dtype.is_float:
        return c.x
    return c.op("Mul", c.op("Sign", c.x), c.op("Floor", c.op("Abs", c.x)))


@writes("expm1")
def expm1(c: Call) -> str:
    """2 t / (1 - t) with t = tanh(x / 2) near 0, where e^x - 1 would lose its digits."""
    one, two = c.number(1, c.out.dtype), c.number(2, c.out.dtype)
    t = c.op("Tanh", c.op("Div", c.x, two))
    near = c.op("Div", c.op("Mul", two, t), c.op("Sub", one, t))
    far = c.op("Sub", c.op("Exp", c.x), one)
    return c.op("Where", c.op("Less", c.op("Abs", c.x), one), near, far)


@writes("log1p")
def log1p(c: Call) -> str:
    """Ln u * x / (u - 1) with u = 1 + x near 0: the rounding errors of u cancel (Kahan)."""
    one, half = c.number(1, c.out.dtype), c.number(0.5, c.out.dtype)
    u = c.op("Add", one, c.x)
    far = c.op("Log", u)
    exact = c.op("Equal", u, one)
    above = c.op("Where", exact, one, c.op("Sub", u, one))
    near = c.op("Where", exact, c.x, c.op("Mul", far, c.op("Div", c.x, above)))
    return c.op("Where", c.op("Less", c.op("Abs", c.x), half), near, far)


@writes("atan2")
def atan2(c: Call) -> str:
    """The angle of (x, y): atan(y / x), turned by pi to the left half, by its sign."""
    y, x = c.inputs
    zero, pi = c.number(0, c.out.dtype), c.number(3.141592653589793, c.out.dtype)
    one, half = c.number(1, c.out.dtype), c.number(1.5707963267948966, c.out.dtype)
    upright = c.op("Equal", x, zero)
    slope = c.op("Atan", c.op("Div", y, c.op("Where", upright, one, x)))
    side = c.op("Where", c.op("Less", y, zero), c.op("Neg", pi), pi)
    turned = c.op("Where", c.op("Less", x, zero), c.op("Add", slope, side), slope)
    return c.op("Where", upright, c.op("Mul", c.op("Sign", y), half), turned)


def numbers(c: Call) -> list[str]:
    """The operands, truth values as integers."""
    pairs = zip(c.inputs, c.types, strict=True)
    return [c.cast(x, DType.INT32) if t.dtype is DType.BOOL else x for x, t in pairs]


def truths(c: Call) -> list[str]:
    """The operands as truth values."""
    pairs = zip(c.inputs, c.types, strict=True)
    return [x if t.dtype is DType.BOOL else c.cast(x, DType.BOOL) for x, t in pairs]


@writes(*COMPARISONS)
def comparison(c: Call) -> str:
    """Which is larger; 0 < 1 for truth values."""
    return c.op(COMPARISONS[c.node.op], *numbers(c))


@writes("not_equal")
def not_equal(c: Call) -> str:
    """Where two values differ."""
    return c.op("Not", c.op("Equal", *numbers(c)))


@writes(*JUNCTORS)
def junctor(c: Call) -> str:
    """Logic; a number is true where it is not 0."""
    return c.op(JUNCTORS[c.node.op], *truths(c))


@writes("logical_not")
def logical_not(c: Call) -> str:
    """Logic's not."""
    return c.op("Not", *truths(c))


@writes(*BITS)
def bitwise(c: Call) -> str:
    """Bit by bit; of truth values the junctor."""
    kind = BITS[c.node.op]
    return c.op(kind if c.out.dtype is DType.BOOL else f"Bitwise{kind}", *c.inputs)


@writes("left_shift")
def left_shift(c: Call) -> str:
    """Bits moved up; ONNX moves those of unsigned numbers, others are multiplied by 2**y."""
    if c.out.dtype.is_unsigned:
        return c.op("BitShift", *c.inputs, direction="LEFT")
    return c.op("Mul", c.x, c.op("Pow", c.number(2, c.out.dtype), c.inputs[1]))


@writes("right_shift")
def right_shift(c: Call) -> str:
    """Bits moved down; of signed numbers the quotient by 2**y, rounded down."""
    if c.out.dtype.is_unsigned:
        return c.op("BitShift", *c.inputs, direction="RIGHT")
    power = c.op("Pow", c.number(2, c.out.dtype), c.inputs[1])
    return c.op("Div", c.op("Sub", c.x, c.op("Mod", c.x, power)), power)


@writes("bitwise_not")
def bitwise_not(c: Call) -> str:
    """Every bit turned; of truth values the opposite."""
    return c.op("Not" if c.out.dtype is DType.BOOL else "BitwiseNot", c.x)


@writes("isnan", "isinf", "isfinite")
def special(c: Call) -> str:
    """Which kind of number; integers are always finite ones."""
    x = c.x if c.types[0].dtype.is_float else c.cast(c.x, DType.FLOAT32)
    if c.node.op == "isfinite":
        return c.op("Not", c.op("Or", c.op("IsNaN", x), c.op("IsInf", x)))
    return c.op("IsNaN" if c.node.op == "isnan" else "IsInf", x)
