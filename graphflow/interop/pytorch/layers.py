"""Blocks of the library that PyTorch has itself: as modules, or as functional calls.

An entry stands for a call only where it is certain to mean the same: it knows every argument that
is not at its default, and the call owns exactly the parameters that the module has. Everything
else is written out from the block's own body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from graphflow.interop.pytorch.literals import marked
from graphflow.interop.pytorch.record import Record
from graphflow.interop.source import Code, call
from graphflow.ir.dims import Symbolic
from graphflow.ops.builder import Value
from graphflow.spec.elaborate.bound import Bound, Function
from graphflow.spec.syntax import Bool, Expr, Name, NoneLiteral, Number, String

Outputs = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Layer:
    """How one call is written.

    ``build`` makes the module, ``target`` is what a call without a module calls; ``inputs`` are the
    arguments in the call's order, ``keywords`` what follows them.
    """

    inputs: tuple[str, ...]
    build: str | None = None
    target: str = ""
    keywords: tuple[tuple[str, str], ...] = ()
    trains: bool = False
    outputs: Outputs | None = None
    pattern: str = "{}"


@dataclass(frozen=True)
class Call:
    """A record as an entry of the table sees it."""

    record: Record

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the tensors the block is called with."""
        assert self.record.block is not None
        return self.record.block.inputs

    def tensor(self, name: str) -> Value:
        value = self.record.arguments[name]
        assert isinstance(value, Value)
        return value

    def shape(self, name: str) -> Sequence[object]:
        return self.tensor(name).shape

    def known(self, *names: str) -> bool:
        """Whether every other argument is at its default."""
        block = self.record.block
        assert block is not None
        return all(
            argument.name in names or _is_default(self.record.arguments[argument.name],
                                                  argument.default)
            for argument in block.args
        )  # fmt: skip

    def text(self, name: str, hint: str | None = None) -> str:
        """An argument as a literal."""
        return marked(self.record.arguments[name], hint or name)

    def static(self, *names: str) -> bool:
        """Whether arguments are plain numbers, words or lists of them."""
        return all(_plain(self.record.arguments[name]) for name in names)

    def owns(self, *names: str) -> bool:
        """Whether these are all parameters and states of the call."""
        prefix = f"{self.record.owner}."
        own = {n.removeprefix(prefix) for n in self.record.leaves}
        return own == set(names)

    def changed(self, *names: str) -> list[tuple[str, str]]:
        """The arguments that are not at their default, as keywords."""
        block = self.record.block
        assert block is not None
        return [
            (a.name, self.text(a.name))
            for a in block.args
            if a.name in names and not _is_default(self.record.arguments[a.name], a.default)
        ]


def custom_starts(record: Record) -> list[str]:
    """The parameters whose first value a call asks for: ``weight`` for ``weight_init=...``."""
    block = record.block
    assert block is not None
    starts = [a for a in block.args if a.name.endswith("_init")]
    return [
        a.name.removesuffix("_init")
        for a in starts
        if not _is_default(record.arguments[a.name], a.default)
    ]


def _is_default(value: Bound, default: Expr | None) -> bool:
    match default:
        case Number(known) | Bool(known) | String(known):
            return type(value) is not Value and value == known and (
                isinstance(value, bool) == isinstance(known, bool))  # fmt: skip
        case NoneLiteral():
            return value is None
        case Name(id):
            return isinstance(value, Function) and value.name == id
    return False


def _plain(value: Bound) -> bool:
    if isinstance(value, tuple):
        return all(_plain(item) for item in value)
    return value is None or (isinstance(value, bool | int | float | str)
                             and not isinstance(value, Symbolic))  # fmt: skip


Entry = Callable[[Call], Layer | None]
LAYERS: dict[str, Entry] = {}


def layer(*names: str) -> Callable[[Entry], Entry]:
    """Register an entry for blocks of the library."""

    def add(entry: Entry) -> Entry:
        LAYERS.update(dict.fromkeys(names, entry))
        return entry

    return add


def found(record: Record) -> Layer | None:
    """The entry of a call, where it has one that fits."""
    if not record.library or record.name not in LAYERS:
        return None
    bound = record.arguments.values()
    if not all(isinstance(b, Value | Function) or _plain(b) for b in bound):
        return None
    entry = LAYERS[record.name](Call(record))
    bound_names = (n for n in record.arguments if not n.endswith("_init"))
    tensors = {n for n in bound_names if isinstance(record.arguments[n], Value)}
    if entry is None or tensors != set(entry.inputs):
        return None
    return None if entry.build is not None and record.replaced else entry


def built(module: str, *arguments: str, keywords: Sequence[tuple[str, str]] = ()) -> str:
    """The construction of a module."""
    return call(f"nn.{module}", *arguments, **dict(keywords)).text


def own(c: Call, *names: str) -> tuple[str, ...]:
    """The parameters that the call owns among these."""
    return tuple(n for n in names if f"{c.record.owner}.{n}" in c.record.leaves)


def uneven(padding: Bound) -> bool:
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
