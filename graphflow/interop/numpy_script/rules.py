"""Every primitive as an expression of NumPy: one table, the same for all models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from graphflow.interop.rules import OPERATORS, Site, registering
from graphflow.interop.source import Code, call, infix, method, negative, number, quoted
from graphflow.ir.dims import Dim, Symbolic
from graphflow.ir.graph import ArrayLiteral, Attr
from graphflow.ir.types import DType

FLOAT = "FLOAT"
"""The program's float type, a name of the script."""


IMPLIED: Mapping[str, tuple[str, ...]] = {
    "conv_transpose": ("output_padding",),
    **dict.fromkeys(("max_pool", "max_pool_indices", "avg_pool"), ("ceil_mode",)),
    "avg_unpool": ("ceil_mode", "spatial"),
    "adaptive_avg_unpool": ("spatial",),
    **dict.fromkeys(
        ("adaptive_avg_pool", "adaptive_max_pool", "adaptive_max_pool_indices"), ("output_size",)
    ),
}
"""Attributes that a rule takes from the type of the result."""

Rule = Callable[[Site], Code]
RULES: dict[str, Rule] = {}


rule = registering(RULES)
"""Registers the expression of primitives; each has one."""


def dtype_text(dtype: DType) -> str:
    """A number type of NumPy."""
    return FLOAT if dtype is DType.FLOAT else f"np.{dtype.value}"


def size(dim: Dim | None) -> str:
    """A size: symbols are variables of the script."""
    return str(dim)


def tupled(values: Attr) -> str:
    """A shape, or anything nested like one."""
    if isinstance(values, tuple):
        comma = "," if len(values) == 1 else ""
        return f"({', '.join(tupled(v) for v in values)}{comma})"
    if isinstance(values, int | float) and not isinstance(values, bool):
        return number(values, "np").text
    return str(values)


def array(site: Site, index: int = 0) -> Code:
    """An operand as an array."""
    code, type = site.args[index], site.types[index]
    if not code.scalar:
        return code
    return call(dtype_text(type.dtype).replace("np.bool", "np.bool_"), code)


def arrays(site: Site) -> list[Code]:
    """All operands as arrays."""
    return [array(site, i) for i in range(len(site.args))]


FUNCTIONS = {
    "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "tanh", "abs", "sign", "floor",
    "ceil", "trunc", "isnan", "isinf", "isfinite", "logical_not", "maximum", "minimum", "where",
    "sinh", "cosh", "logaddexp",
}  # fmt: skip
RENAMED = {
    "round": "np.round", "asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan",
    "asinh": "np.arcsinh", "acosh": "np.arccosh", "atanh": "np.arctanh", "atan2": "np.arctan2",
    "bitwise_not": "np.invert", "inv": "np.linalg.inv", "det": "np.linalg.det",
    "slogdet": "np.linalg.slogdet", "cholesky": "np.linalg.cholesky", "qr": "np.linalg.qr",
    "eigh": "np.linalg.eigh",
}  # fmt: skip
OWN = {"sigmoid", "erf", "lgamma", "adjugate", "eigvals"}
"""Functions of the script's own that take the operands alone."""


@rule(*OPERATORS)
def _operator(site: Site) -> Code:
    left, right = site.args
    if left.scalar and right.scalar:
        left = array(site)
    return infix(OPERATORS[site.node.op], left, right)


@rule("logical_and", "logical_or", "logical_xor")
def _logical(site: Site) -> Code:
    if any(type.dtype is not DType.BOOL for type in site.types):
        return call(f"np.{site.node.op}", *arrays(site))
    return infix({"and": "&", "or": "|", "xor": "^"}[site.node.op[8:]], *arrays(site))


@rule(*FUNCTIONS, *RENAMED)
def _function(site: Site) -> Code:
    name = RENAMED.get(site.node.op, f"np.{site.node.op}")
    several = len(site.args) > 1 and not all(a.scalar for a in site.args)
    return call(name, *(site.args if several else arrays(site)))


@rule(*OWN)
def _own(site: Site) -> Code:
    return call(site.helper(site.node.op), *arrays(site))


@rule("softplus")
def _softplus(site: Site) -> Code:
    beta, threshold = site.node.attr("beta"), site.node.attr("threshold")
    return call(site.helper("softplus"), array(site), beta=None if beta == 1 else beta,
                threshold=threshold)  # fmt: skip


@rule("relu")
def _relu(site: Site) -> Code:
    return call("np.maximum", array(site), 0)


@rule("neg")
def _neg(site: Site) -> Code:
    return negative(array(site))


@rule("identity", "stop_gradient", "checkpoint")
def _same(site: Site) -> Code:
    return array(site)


@rule("cast")
def _cast(site: Site) -> Code:
    dtype = site.node.attr("dtype")
    assert isinstance(dtype, DType)
    if site.args[0].scalar:
        return call(dtype_text(dtype), site.args[0])
    return method(site.args[0], "astype", dtype_text(dtype))


@rule("constant")
def _constant(site: Site) -> Code:
    value, dtype = site.node.attr("value"), site.node.attr("dtype")
    assert isinstance(dtype, DType)
    if isinstance(value, bool | int | float):
        return number(value, "np")
    if isinstance(value, Symbolic):
        return Code(f"({value})", scalar=True)
    shown = value.array.tolist() if isinstance(value, ArrayLiteral) else value
    return call("np.array", _listed(shown), dtype_text(dtype))


def _listed(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_listed, value))}]"
    return number(cast(float, value), "np").text


# -- shapes --------------------------------------------------------------------------------------
def shape_of(site: Site, name: str = "shape") -> str:
    """An attribute that is a shape."""
    return tupled(site.node.attr(name))


@rule("reshape")
def _reshape(site: Site) -> Code:
    return method(array(site), "reshape", shape_of(site))


@rule("transpose")
def _transpose(site: Site) -> Code:
    axes = site.node.attr("axes")
    if axes == (1, 0):
        return Code(f"{array(site).at(10)}.T")
    return method(array(site), "transpose", tupled(axes))


@rule("broadcast_to")
def _broadcast_to(site: Site) -> Code:
    dtype = dtype_text(site.types[0].dtype)
    if site.args[0].scalar:
        return call("np.full", shape_of(site), site.args[0], dtype)
    return call("np.broadcast_to", array(site), shape_of(site))


@rule("expand_dims", "squeeze", "flip")
def _along_axes(site: Site) -> Code:
    return call(f"np.{site.node.op}", array(site), tupled(site.node.attr("axis")))


@rule("concat", "stack")
def _joined(site: Site) -> Code:
    name = "np.concatenate" if site.node.op == "concat" else "np.stack"
    parts = ", ".join(map(str, arrays(site)))
    return call(name, f"[{parts}]", axis=site.node.attr("axis"))


@rule("split")
def _split(site: Site) -> Code:
    sections = site.node.attr("sections")
    return call("np.split", array(site), tupled(sections), axis=site.node.attr("axis"))


@rule("tile")
def _tile(site: Site) -> Code:
    return call("np.tile", array(site), shape_of(site, "reps"))


@rule("repeat")
def _repeat(site: Site) -> Code:
    repeats = size(cast(Dim, site.node.attr("repeats")))
    return call("np.repeat", array(site), repeats, axis=site.node.attr("axis"))


@rule("roll")
def _roll(site: Site) -> Code:
    shift = size(cast(Dim, site.node.attr("shift")))
    return call("np.roll", array(site), shift, site.node.attr("axis"))


@rule("tril", "triu", "diag")
def _triangle(site: Site) -> Code:
    k = site.node.attr("k")
    if site.node.op == "diag" and site.types[0].ndim > 2:
        return call("np.diagonal", array(site), offset=k, axis1=-2, axis2=-1)
    return call(f"np.{site.node.op}", array(site), *([size(cast(Dim, k))] if k != 0 else []))


@rule("pad")
def _pad(site: Site) -> Code:
    mode, value = site.node.attr("mode"), site.node.attr("value")
    keys = {"constant_values": value} if mode == "constant" and value != 0 else {}
    if mode != "constant":
        keys = {"mode": quoted(str(mode))}
    return call("np.pad", array(site), shape_of(site, "pad_width"), **keys)


@rule("unpad")
def _unpad(site: Site) -> Code:
    mode = site.node.attr("mode")
    if mode != "constant":
        widths = shape_of(site, "pad_width")
        return call(site.helper("unpad"), array(site), widths, quoted(str(mode)))
    pairs = cast("tuple[tuple[Dim, Dim], ...]", site.node.attr("pad_width"))
    shape = site.node.tensor.shape
    parts = (f"{b}:{b + n}" for (b, _), n in zip(pairs, shape, strict=True))
    return Code(f"{array(site).at(10)}[{', '.join(parts)}]")


@rule("slice")
def _slice(site: Site) -> Code:
    return Code(f"{array(site).at(10)}[{indexed(site.node.attr('index'))}]")


@rule("unslice")
def _unslice(site: Site) -> Code:
    index = f"np.s_[{indexed(site.node.attr('index'))}]"
    return call(site.helper("unslice"), array(site), index, shape_of(site))


def indexed(index: Attr) -> str:
    """The inside of a subscript."""
    assert isinstance(index, tuple)
    return ", ".join(_entry(cast("tuple[Attr, ...]", entry)) for entry in index) or "..."


def _entry(entry: tuple[Attr, ...]) -> str:
    kind, *rest = entry
    if kind == "newaxis":
        return "None"
    if kind == "index":
        return size(cast(Dim, rest[0]))
    start, stop, step = ("" if b is None else size(cast(Dim, b)) for b in rest)
    start = "" if start == "0" and not step.startswith("-") else start
    return f"{start}:{stop}" + (f":{step}" if step not in ("", "1") else "")
