"""How calls are written: of definitions of the file, and of layers of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphflow.diagnostics import fail
from graphflow.interop.pytorch import layers
from graphflow.interop.pytorch.body import Body
from graphflow.interop.pytorch.layers import Layer
from graphflow.interop.source import Code
from graphflow.spec.elaborate.calltree import CallNode, Ref


@dataclass
class Definition:
    """A class or function of the file, and the names of its arguments for literals."""

    name: str
    lines: list[str]
    arguments: list[str]


@dataclass
class Use:
    """How a call uses its definition."""

    inputs: Sequence[str]
    sizes: Sequence[str]
    trains: bool
    definition: Definition
    values: Sequence[str]
    owner: str | None

    def call(self, body: Body, arguments: Sequence[str]) -> Code:
        if self.owner is not None:
            target = reference(body, self.owner)
            return Code(f"{target}({', '.join(arguments)})")
        more = [*arguments, *self.values]
        if self.trains:
            more.append(f"training={training(body)}")
        return Code(f"{self.definition.name}({', '.join(more)})")

    def outputs(self, code: Code) -> Mapping[str, Code] | None:
        return None


@dataclass
class LayerUse:
    """How a call of a layer of PyTorch's is written."""

    site: CallNode
    layer: Layer
    sizes: Sequence[str] = ()
    trains: bool = False

    @property
    def inputs(self) -> Sequence[str]:
        return [self._node(name) for name in self.layer.inputs]

    def _node(self, name: str) -> str:
        value = self.site.arguments[name]
        assert isinstance(value, Ref)
        return value.name

    def call(self, body: Body, arguments: Sequence[str]) -> Code:
        codes = {n: body.value(self._node(n)) for n in self.layer.inputs}
        target = self.layer.target
        if self.layer.build is not None:
            target = reference(body, self.site.owner)
        shown = layers.arguments_of(self.layer, codes)
        if self.layer.trains:
            shown += f", training={training(body)}"
        return Code(f"{target}({shown})")

    def outputs(self, code: Code) -> Mapping[str, Code] | None:
        if self.layer.outputs is None:
            return None
        codes = map(Code, self.layer.outputs(code.text))
        return dict(zip(self.site.results.values(), codes, strict=True))


def training(body: Body) -> str:
    """Whether the model is trained, as the body sees it."""
    if body.module:
        return "self.training"
    body.trains = True
    return "training"


def reference(body: Body, owner: str) -> str:
    """The module that owns a call's parameters, as the body reaches it."""
    home = body.owner
    if home is None or not (f"{owner}.".startswith(f"{home}.") or home == ""):
        fail(
            "GF103",
            f"'{owner}' is called inside a block that does not own it",
            body.mark,
            help="call it where it is declared, and hand on the result",
        )
    if owner == home:
        return "super().forward"
    return body.places(owner)
