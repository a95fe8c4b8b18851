"""Blocks of the library that PyTorch has itself: as modules, or as functional calls.

An entry stands for a call only where it is certain to mean the same: it knows every argument that
is not at its default, and the call owns exactly the parameters that the module has. Everything
else is written out from the block's own body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from graphflow.interop.pytorch.flow import Step
from graphflow.interop.pytorch.literals import marked
from graphflow.interop.rules import registering
from graphflow.interop.source import Code
from graphflow.ir.dims import Symbolic
from graphflow.ir.graph import Node
from graphflow.ir.types import TensorType
from graphflow.spec.elaborate.bound import Function
from graphflow.spec.elaborate.calltree import Argument, CallNode, Ref
from graphflow.spec.syntax import Bool, Expr, Name, NoneLiteral, Number, String

Outputs = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Construction:
    """A module as it is made: its class, and the arguments of that."""

    name: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"


MODULE = Construction("nn.Module")


@dataclass(frozen=True)
class Layer:
    """How one call is written.

    ``build`` makes the module, ``target`` is what a call without a module calls; ``inputs`` are the
    arguments in the call's order, ``keywords`` what follows them.
    """

    inputs: tuple[str, ...]
    build: Construction | None = None
    target: str = ""
    keywords: tuple[tuple[str, str], ...] = ()
    trains: bool = False
    outputs: Outputs | None = None
    pattern: str = "{}"


@dataclass(frozen=True)
class Call:
    """A call as an entry of the table sees it."""

    call: CallNode

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the tensors the block is called with."""
        return self.call.block.inputs

    def tensor(self, name: str) -> TensorType:
        value = self.call.arguments[name]
        assert isinstance(value, Ref)
        return value.tensor

    def shape(self, name: str) -> Sequence[object]:
        return self.tensor(name).shape

    def known(self, *names: str) -> bool:
        """Whether every other argument is at its default."""
        block = self.call.block
        return all(
            argument.name in names or _is_default(self.call.arguments[argument.name],
                                                  argument.default)
            for argument in block.args
        )  # fmt: skip

    def text(self, name: str, hint: str | None = None) -> str:
        """An argument as a literal."""
        return marked(self.call.arguments[name], hint or name)

    def static(self, *names: str) -> bool:
        """Whether arguments are plain numbers, words or lists of them."""
        return all(_plain(self.call.arguments[name]) for name in names)

    def owns(self, *names: str) -> bool:
        """Whether these are all parameters and states of the call."""
        prefix = f"{self.call.owner}."
        own = {n.removeprefix(prefix) for n in self.call.leaves}
        return own == set(names)

    def changed(self, *names: str) -> list[tuple[str, str]]:
        """The arguments that are not at their default, as keywords."""
        block = self.call.block
        return [
            (a.name, self.text(a.name))
            for a in block.args
            if a.name in names and not _is_default(self.call.arguments[a.name], a.default)
        ]


def custom_starts(call: CallNode) -> list[str]:
    """The parameters whose first value a call asks for: ``weight`` for ``weight_init=...``."""
    starts = [a for a in call.block.args if a.name.endswith("_init")]
    return [
        a.name.removesuffix("_init")
        for a in starts
        if not _is_default(call.arguments[a.name], a.default)
    ]


def activation(call: CallNode) -> Step | None:
    """The step that applies a layer's ``activation``: what it is applied to is the layer itself."""
    function = call.arguments.get("activation")
    if not isinstance(function, Function) or len(call.results) != 1:
        return None
    called = function.instance.function if function.instance is not None else function
    (result,) = call.results.values()
    last = call.maker(result)
    if isinstance(last, CallNode):
        return last if last.block is called.block else None
    return last if last is not None and last.op == called.name else None


def operand(step: Step) -> str:
    """What an activation is applied to."""
    if isinstance(step, Node):
        return step.inputs[0]
    value = step.arguments[step.block.inputs[0]]
    assert isinstance(value, Ref)
    return value.name


def _is_default(value: Argument, default: Expr | None) -> bool:
    match default:
        case Number(known) | Bool(known) | String(known):
            return not isinstance(value, Ref) and value == known and (
                isinstance(value, bool) == isinstance(known, bool))  # fmt: skip
        case NoneLiteral():
            return value is None
        case Name(id):
            return isinstance(value, Function) and value.name == id
    return False


def _plain(value: Argument) -> bool:
    if isinstance(value, tuple):
        return all(_plain(item) for item in value)
    return value is None or (isinstance(value, bool | int | float | str)
                             and not isinstance(value, Symbolic))  # fmt: skip


Entry = Callable[[Call], Layer | None]
LAYERS: dict[str, Entry] = {}


layer = registering(LAYERS)
"""Registers an entry for blocks of the library; each has one."""


def found(call: CallNode) -> Layer | None:
    """The entry of a call, where it has one that fits."""
    if not call.library or call.name not in LAYERS:
        return None
    bound = call.arguments.values()
    if not all(isinstance(b, Ref | Function) or _plain(b) for b in bound):
        return None
    entry = LAYERS[call.name](Call(call))
    bound_names = (n for n in call.arguments if not n.endswith("_init"))
    tensors = {n for n in bound_names if isinstance(call.arguments[n], Ref)}
    if entry is None or tensors != set(entry.inputs):
        return None
    return None if entry.build is not None and call.replaced else entry


def built(module: str, *arguments: str, keywords: Sequence[tuple[str, str]] = ()) -> Construction:
    """The construction of a module of PyTorch."""
    return Construction(f"nn.{module}", (*arguments, *(f"{k}={v}" for k, v in keywords)))


def own(c: Call, *names: str) -> tuple[str, ...]:
    """The parameters that the call owns among these."""
    return tuple(n for n in names if f"{c.call.owner}.{n}" in c.call.leaves)


def uneven(padding: Argument) -> bool:
    """Words, and margins that differ between the sides."""
    return isinstance(padding, str) or (
        isinstance(padding, tuple) and any(isinstance(p, tuple) for p in padding)
    )


def arguments_of(layer: Layer, codes: Mapping[str, Code]) -> str:
    """The arguments of a call of the layer."""
    shown = [codes[name].at(10) if layer.pattern != "{}" else codes[name].text
             for name in layer.inputs]  # fmt: skip
    plain = ", ".join(shown) if layer.pattern == "{}" else layer.pattern.format(*shown)
    return ", ".join([plain, *(f"{k}={v}" for k, v in layer.keywords)])
