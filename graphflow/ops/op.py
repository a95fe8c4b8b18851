r"""What an operator is, and the register of all of them.

A primitive is one small class in one place. Its docstring is its page in the reference, its
``infer`` signature is how files call it: positional parameters are tensors, keyword-only ones are
attributes. Everything else (schema, completion, tests, exporters) is generated from here.

    @register
    class Sin(Elementwise):
        "The sine. y = sin x."
        latex = r"\sin {x}"
        def forward(self, xp, x): return xp.sin(x)
        def vjp(self, g, y, x): return (g * F.cos(x),)
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr
from graphflow.ir.types import ValueType, tensors

if TYPE_CHECKING:
    from graphflow.ops.builder import Value

Array: TypeAlias = np.ndarray
Namespace: TypeAlias = ModuleType
Attrs: TypeAlias = dict[str, Attr]


@dataclass(frozen=True)
class Sample:
    """One example of a call, for the tests and the reference page.

    ``inputs`` are arrays (float64 ones are gradient-checked) or (shape, domain) pairs, where domain
    is a (low, high) interval to draw from. ``expected`` is the value known from elsewhere, if any.
    """

    inputs: Sequence[Array | tuple[tuple[int, ...], tuple[float, float]]]
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    expected: object = None
    differentiable: bool = True


class Op:
    """Base of every primitive.

    Subclasses define ``infer(self, x, ..., *, attr=default)`` (types in, type out), ``forward(self,
    xp, x, ..., *, attr)`` over an array namespace, and, where there is a derivative, ``vjp(self, g,
    out, x, ..., *, attr)`` giving one cotangent (or None) per operand and ``jvp(self, out, inputs,
    tangents, **attrs)``. vjp and jvp receive and return graph values: they build nodes.
    """

    name: ClassVar[str] = ""
    family: ClassVar[str] = ""
    latex: ClassVar[str] = ""
    retains: ClassVar[tuple[str, ...]] = ()
    """What backward reads of this node: operand names, and "out" for its own result."""
    promotes: ClassVar[Sequence[int] | Literal["all"] | None] = None
    """Operands that are brought to one common number type (by visible ``cast`` nodes)."""
    floats: ClassVar[bool] = False
    """Integer and boolean operands become the program's float type."""
    random: ClassVar[bool] = False
    """Draws numbers: its first operand is the random key, its ``stream`` attribute its path."""
    view: ClassVar[bool] = False
    """The result may share memory with the first operand."""
    in_place: ClassVar[bool] = False
    """The result may be written over the first operand, if no other operand sees that memory."""
    waits: ClassVar[bool] = False
    """The portable forward cannot be recorded on a device: Python reads numbers of an array, for
    which all that came before must have ended, or brings some there, or CuPy asks cuBLAS for a
    product."""
    notes: ClassVar[bool] = False
    """The portable forward refuses some numbers (a position that is not there, a divisor 0): on a
    device they are noted, see :mod:`graphflow.ops.help`."""
    shared: ClassVar[bool] = False
    """Workers compute it together, each of them once and in one order: neither while compiling nor
    a second time."""
    abstract: ClassVar[bool] = False
    """Stands for a derivative or a choice; expanded by a pass before anything runs."""
    call_order: ClassVar[tuple[str, ...] | None] = None
    """Order of arguments in a file, where it differs from operands first, attributes after."""
    example: ClassVar[str] = ""
    """Sections of a file that show it, where its samples cannot be written as a call."""

    infer: Callable[..., ValueType]
    forward: Callable[..., Array | tuple[Array, ...]]
    vjp: Callable[..., Sequence[Value | None]] | None = None
    jvp: Callable[..., Value | Sequence[Value | None] | None] | None = None

    def canonical(self, types: Sequence[ValueType], attrs: Attrs) -> Attrs:
        """Attributes in their one stored form: axes counted from 0, pairs written out."""
        return attrs

    def flops(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        """Floating point operations of one run; one for each element of the result by default."""
        total: Dim = 0
        for t in tensors(out):
            total = total + t.size
        return total

    def workspace(self, out: ValueType, *types: ValueType, **attrs: Attr) -> Dim:
        """Bytes of scratch memory that one run of the portable forward needs."""
        return 0

    def on_host(self, types: Sequence[ValueType], attrs: Attrs) -> bool:
        """Whether the portable forward wants NumPy: a device's arrays must be fetched for it."""
        return False

    def samples(self) -> Iterator[Sample]:
        """Examples that drive the tests of this operator."""
        return iter(())

    @cached_property
    def signature(self) -> inspect.Signature:
        """Operands (positional) and attributes (keyword-only), without self."""
        return inspect.signature(self.infer)

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """Names of the tensor operands; a variadic one is written ``*name``."""
        kinds = inspect.Parameter
        return tuple(
            ("*" if p.kind is kinds.VAR_POSITIONAL else "") + p.name
            for p in self.signature.parameters.values()
            if p.kind is not kinds.KEYWORD_ONLY
        )

    @cached_property
    def attributes(self) -> Mapping[str, inspect.Parameter]:
        """The keyword-only parameters: name to parameter (with its default)."""
        return {
            p.name: p
            for p in self.signature.parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Argument names in the order a file writes them."""
        return self.call_order or (*self.operands, *self.attributes)

    @property
    def differentiable(self) -> bool:
        return self.vjp is not None


OPS: dict[str, Op] = {}


def register(cls: type[Op]) -> type[Op]:
    """Class decorator: make the operator known under its snake_case class name (or ``name``)."""
    op = cls()
    if not cls.name:
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower().rstrip("_")
    cls.family = cls.family or cls.__module__.rpartition(".")[2]
    if cls.name in OPS:
        raise ValueError(f"operator '{cls.name}' is registered twice")
    OPS[cls.name] = op
    return cls


def get_op(name: str) -> Op:
    """The operator called ``name``; KeyError when there is none."""
    return OPS[name]
