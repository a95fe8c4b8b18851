"""Every primitive as an expression of PyTorch: one table, the same for all models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast

from graphflow.interop import rules
from graphflow.interop.rules import OPERATORS, registering
from graphflow.interop.source import (
    ADD,
    CHOICE,
    Code,
    call,
    infix,
    method,
    negative,
    number,
)
from graphflow.ir.dims import Dim
from graphflow.ir.graph import ArrayLiteral, Attr
from graphflow.ir.types import DType, TensorType

FLOAT = "torch.get_default_dtype()"
"""The program's float type is PyTorch's default one."""


class Site(rules.Site, Protocol):
    """What a rule sees besides: sizes, numbers in which instances differ, the mode."""

    def size(self, dim: Dim, operand: int | None = None) -> Code:
        """A size, read off the operand or an argument of the function where it is a symbol."""

    def literal(self, value: Attr, hint: str) -> str:
        """A number or string that instances of a block may differ in."""

    def training(self) -> str:
        """The expression that says whether the model is trained."""


Rule = Callable[[Site], Code]
RULES: dict[str, Rule] = {}


rule = registering(RULES)
"""Registers the expression of primitives; each has one."""


def dtype_text(dtype: DType) -> str:
    """A number type of PyTorch."""
    return FLOAT if dtype is DType.FLOAT else f"torch.{dtype.value}"


def tensor(code: Code, type: TensorType | None = None) -> Code:
    """An operand that must be a tensor."""
    if not code.scalar:
        return code
    dtype = None if type is None or type.dtype is DType.FLOAT else dtype_text(type.dtype)
    text = code.text if type is None or not type.dtype.is_float else f"float({code.text})"
    return call("torch.tensor", text, dtype=dtype)


# -- elementwise ---------------------------------------------------------------------------------
LOGICAL = {"logical_and": "&", "logical_or": "|", "logical_xor": "^"}
FUNCTIONS = {
    "exp": "torch.exp", "expm1": "torch.expm1", "log": "torch.log", "log1p": "torch.log1p",
    "sqrt": "torch.sqrt", "sin": "torch.sin", "cos": "torch.cos", "tan": "torch.tan",
    "tanh": "torch.tanh", "abs": "torch.abs", "sign": "torch.sign", "floor": "torch.floor",
    "ceil": "torch.ceil", "round": "torch.round", "sigmoid": "torch.sigmoid", "relu": "F.relu",
    "erf": "torch.erf", "logical_not": "torch.logical_not",
    "asin": "torch.asin", "acos": "torch.acos", "atan": "torch.atan", "sinh": "torch.sinh",
    "cosh": "torch.cosh", "asinh": "torch.asinh", "acosh": "torch.acosh", "atanh": "torch.atanh",
    "trunc": "torch.trunc", "isnan": "torch.isnan", "isinf": "torch.isinf",
    "isfinite": "torch.isfinite",
    "lgamma": "torch.lgamma", "digamma": "torch.digamma", "bitwise_not": "torch.bitwise_not",
    "inv": "torch.linalg.inv", "det": "torch.linalg.det", "slogdet": "torch.linalg.slogdet",
    "cholesky": "torch.linalg.cholesky", "qr": "torch.linalg.qr", "eigh": "torch.linalg.eigh",
}  # fmt: skip


@rule(*OPERATORS, *LOGICAL)
def _operator(site: Site) -> Code:
    left, right = site.args
    return infix({**OPERATORS, **LOGICAL}[site.node.op], left, right)


@rule(*FUNCTIONS)
def _function(site: Site) -> Code:
    return call(FUNCTIONS[site.node.op], tensor(site.args[0], site.types[0]))


@rule("softplus")
def _softplus(site: Site) -> Code:
    beta, threshold = site.node.attr("beta"), site.node.attr("threshold")
    shown = None if beta in (None, 1) else site.literal(beta, "beta")
    cut = None if threshold is None else site.literal(threshold, "threshold")
    return call("F.softplus", operand(site), beta=shown, threshold=cut)


@rule("neg")
def _neg(site: Site) -> Code:
    return negative(site.args[0])


@rule("identity")
def _identity(site: Site) -> Code:
    return site.args[0]


@rule("checkpoint")
def _checkpoint(site: Site) -> Code:
    return site.args[0]  # when it is kept and when computed again does not change a value


@rule("stop_gradient")
def _stop_gradient(site: Site) -> Code:
    return site.args[0] if site.args[0].scalar else method(site.args[0], "detach")


@rule("maximum", "minimum")
def _extremum(site: Site) -> Code:
    bound = "min" if site.node.op == "maximum" else "max"
    left, right = site.args
    if right.scalar and not left.scalar:
        return call("torch.clamp", left, **{bound: right})
    if left.scalar and not right.scalar:
        return call("torch.clamp", right, **{bound: left})
    operands = [tensor(a, t) for a, t in zip(site.args, site.types, strict=True)]
    return call(f"torch.{site.node.op}", *operands)


@rule("atan2", "logaddexp")
def _atan2(site: Site) -> Code:
    operands = (tensor(a, t) for a, t in zip(site.args, site.types, strict=True))
    return call(f"torch.{site.node.op}", *operands)


@rule("where")
def _where(site: Site) -> Code:
    condition, yes, no = site.args
    if yes.scalar and no.scalar:
        yes = tensor(yes, site.types[1])
    return call("torch.where", tensor(condition, site.types[0]), yes, no)


@rule("cast")
def _cast(site: Site) -> Code:
    dtype = site.node.attr("dtype")
    assert isinstance(dtype, DType)
    if site.args[0].scalar:
        return site.args[0]
    if dtype is DType.BOOL or not site.types[0].dtype.is_float or dtype.is_float:
        return method(site.args[0], "to", dtype_text(dtype))
    return method(site.args[0], "to", dtype_text(dtype))


@rule("by_mode")
def _by_mode(site: Site) -> Code:
    train, evaluation = site.args
    test = site.training()
    return Code(f"{train.at(ADD)} if {test} else {evaluation.at(ADD)}", CHOICE)


@rule("constant")
def _constant(site: Site) -> Code:
    value, dtype = site.node.attr("value"), site.node.attr("dtype")
    assert isinstance(dtype, DType)
    if isinstance(value, bool | int | float):
        return Code(site.literal(value, "value"), number(value, "torch").level, True)
    if isinstance(value, ArrayLiteral):
        return call("torch.tensor", _nested(value.array.tolist()), dtype=dtype_text(dtype))
    if isinstance(value, tuple):
        return call("torch.tensor", _nested(value), dtype=dtype_text(dtype))
    code = site.size(value)  # type: ignore[arg-type]
    return Code(code.text, code.level, True)


def _nested(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(_nested(item) for item in value)}]"
    assert isinstance(value, bool | int | float)
    return number(value, "torch").text


# -- shapes --------------------------------------------------------------------------------------
def sizes(site: Site, shape: Sequence[Dim], operand: int | None = None) -> str:
    """The sizes of a shape, in a row."""
    return ", ".join(site.size(d, operand).text for d in shape)


def tupled(site: Site, shape: Sequence[Dim]) -> str:
    """A shape as a tuple."""
    comma = "," if len(shape) == 1 else ""
    return f"({sizes(site, shape)}{comma})"


def axes(value: Attr) -> str:
    """One axis, or several."""
    if isinstance(value, tuple):
        return str(value[0]) if len(value) == 1 else repr(tuple(value))
    return repr(value)


def dims(site: Site, name: str = "shape") -> Sequence[Dim]:
    """An attribute that is a shape."""
    value = site.node.attr(name)
    assert isinstance(value, tuple)
    return value  # type: ignore[return-value]


def operand(site: Site, index: int = 0) -> Code:
    """An operand as a tensor."""
    return tensor(site.args[index], site.types[index])


def margins(site: Site) -> list[tuple[Dim, Dim]]:
    """The padding before and after each spatial axis."""
    return list(cast("tuple[tuple[Dim, Dim], ...]", site.node.attr("padding")))
