"""What a module owns: submodules, parameters, buffers, under the names they have in the file."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from graphflow.diagnostics import Mark, fail
from graphflow.interop.pytorch.body import Body
from graphflow.interop.pytorch.flow import Regions, Step
from graphflow.interop.pytorch.layers import MODULE, Construction, Layer, custom_starts
from graphflow.interop.pytorch.reserved import OF_DICTIONARIES, RESERVED
from graphflow.interop.source import Code
from graphflow.ir.types import type_symbols
from graphflow.spec.elaborate.calltree import CallNode, Section

Initial = Callable[[str, Body | None, set[str]], tuple[list[str], Code]]


class Program(Protocol):
    """What is known of other definitions."""

    helpers: dict[str, None]

    @property
    def initial(self) -> Initial:
        """A leaf's first value."""

    @property
    def frozen(self) -> frozenset[str]:
        """Parameters that training leaves as they are."""

    def layer(self, call: CallNode) -> Layer | None:
        """The entry of the table for a call."""

    def spliced(self, call: CallNode) -> Sequence[Step] | None:
        """The steps that stand for a call without a definition."""

    def construction(self, call: CallNode) -> Construction | None:
        """The module that holds what a call owns, where it owns something."""


@dataclass
class Tree:
    """Names below one owner: either what stands there, or further names."""

    made: str = ""
    leaf: bool = False
    """Whether a parameter or buffer stands there, no module."""
    parts: dict[str, Tree] = field(default_factory=dict)

    def put(self, path: str, made: str, leaf: bool) -> None:
        head, _, rest = path.partition(".")
        inner = self.parts.setdefault(head, Tree())
        if rest:
            inner.put(rest, made, leaf)
        else:
            inner.made, inner.leaf = made, leaf

    @property
    def is_list(self) -> bool:
        """Whether its parts are modules that count from 0."""
        counted = [str(i) for i in range(len(self.parts))]
        return bool(counted) and list(self.parts) == counted and self.holds_modules

    @property
    def holds_modules(self) -> bool:
        """Whether everything right below is a module."""
        return not any(part.leaf for part in self.parts.values())


class Parts:
    """The constructor of one module."""

    def __init__(self, program: Program, section: Section) -> None:
        self.program, self.section = program, section
        self.owner = section.owner if isinstance(section, CallNode) else ""
        self.modules: dict[str, Construction] = {}
        self.restarted: dict[str, None] = {}
        """Parameters of layers that start otherwise than PyTorch starts them."""
        self.taken: set[str] = set()
        """Variables of first values, which are read at the end."""
        for call in self._calls(section.steps, section.regions):
            self._module(call)
        self.tree = Tree()
        for name in self.own():
            self.tree.put(self.relative(name), f"nn.{self._kind(name)}", leaf=True)
        for owner, made in self.modules.items():
            if owner != self.owner or not self.owner:
                self.tree.put(self.relative(owner), str(made), leaf=False)

    def _calls(self, steps: Sequence[Step], regions: Regions) -> Iterator[CallNode]:
        """Calls that own parameters, those inside loops and small blocks among them."""
        for step in steps:
            if isinstance(step, CallNode):
                inner = self.program.spliced(step)
                if inner is None:
                    yield step
                else:
                    yield from self._calls(inner, step.regions)
            else:
                for region in regions.get(step.name, {}).values():
                    yield from self._calls(region.steps, region.regions)

    def _module(self, call: CallNode) -> None:
        made = self.program.construction(call)
        if made is None:
            return
        if self.program.layer(call) is not None:
            names = (f"{call.owner}.{name}" for name in custom_starts(call))
            self.restarted |= dict.fromkeys(name for name in names if name in call.leaves)
        if self.modules.setdefault(call.owner, made) != made:
            fail("GF103", f"'{call.owner}' is called with inputs that need different code",
                 call.mark, help="call it with one shape, or use a block for each")  # fmt: skip

    @property
    def mark(self) -> Mark | None:
        """Where the call stands that this is the module of."""
        return self.section.mark if isinstance(self.section, CallNode) else None

    def base(self) -> Construction:
        """The class it extends: that of the call that has its very name."""
        made = self.modules.get(self.owner)
        return made if made is not None and self.owner else MODULE

    def own(self) -> list[str]:
        """The parameters and states that no submodule has."""
        inside = [f"{owner}." for owner in self.modules]
        prefix = f"{self.owner}." if self.owner else ""
        return [
            n for n in self.section.leaves
            if n.startswith(prefix) and not any(n.startswith(i) for i in inside)
        ]  # fmt: skip

    @property
    def names(self) -> frozenset[str]:
        """The attributes that it gives the module."""
        owned = [*self.own(), *self.modules]
        return frozenset(self.relative(name).partition(".")[0] for name in owned)

    def relative(self, name: str) -> str:
        return name[len(self.owner) + 1 :] if self.owner else name

    def bind(self, body: Body) -> None:
        """Let a body read what the module and its submodules own."""
        prefix = f"{self.owner}." if self.owner else ""
        for name in (n for n in self.section.leaves if n.startswith(prefix)):
            body.env[name] = Code(self.place(name))
            body.owned[name] = self.place(name)
            if self.section.leaves[name].op == "state":
                body.states[name] = self.place(name)

    def place(self, name: str) -> str:
        """``self.a.b``, ``self.a[0].b``: where a module or leaf below this one is found."""
        found, tree = "self", self.tree
        for part in self.relative(name).split("."):
            if plain(part):
                found = f"{found}.{part}"
            elif found == "self":
                found = f'self.get_submodule("{part}")'
            else:
                found = f"{found}[{part}]" if tree.is_list else f'{found}["{part}"]'
            tree = tree.parts.get(part, Tree())
        return found

    def setup(self) -> list[str]:
        """The lines of ``__init__`` after ``super().__init__()``."""
        lines: list[str] = []
        tree = self.tree
        for name in self.own():
            before, made = self.leaf(name)
            lines += before
            tree.put(self.relative(name), made, leaf=True)
        for name, part in tree.parts.items():
            self._check(name)
            lines.append(_assignment("self", name, self._shown(part)))
            lines += self._attached(name, part)
        for name in self.restarted:
            before, made = self.leaf(name)
            lines += [*before, f"{self.place(name)} = {made}"]
        return lines

    def _check(self, name: str) -> None:
        if name in RESERVED:
            fail("GF103", f"a module of PyTorch cannot have a part called '{name}'",
                 self.mark, help="give the node another name")  # fmt: skip

    def leaf(self, name: str) -> tuple[list[str], str]:
        """A parameter or buffer with its first value; one of open size has none yet."""
        node = self.section.leaves[name]
        if type_symbols(node.type):
            return [], "nn.Buffer(None, persistent=False)"
        before, code = self.program.initial(name, None, self.taken)
        fixed = ", requires_grad=False" if name in self.program.frozen else ""
        return before, f"nn.{self._kind(name)}({code}{fixed})"

    def _kind(self, name: str) -> str:
        return "Parameter" if self.section.leaves[name].op == "parameter" else "Buffer"

    def _attached(self, path: str, tree: Tree) -> list[str]:
        """Modules named below another module, such as the inner call of linear(linear(x, 3), 4)."""
        lines: list[str] = []
        prefix = f"{self.owner}." if self.owner else ""
        for name, part in tree.parts.items():
            if tree.made:
                self._check(name)
                lines.append(_assignment(self.place(prefix + path), name, self._shown(part)))
            lines += self._attached(f"{path}.{name}", part)
        return lines

    def _shown(self, tree: Tree) -> str:
        if tree.made:
            return tree.made
        for name in tree.parts:
            self._check(name)
        if tree.is_list:
            return f"nn.ModuleList([{', '.join(map(self._shown, tree.parts.values()))}])"
        inner = ", ".join(f'"{name}": {self._shown(part)}' for name, part in tree.parts.items())
        if tree.holds_modules and OF_DICTIONARIES.isdisjoint(tree.parts):
            return f"nn.ModuleDict({{{inner}}})"
        self.program.helpers.setdefault("Parts")
        return f"Parts({{{inner}}})"


def plain(name: str) -> bool:
    """Whether a part can be written after a dot."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _assignment(owner: str, name: str, made: str) -> str:
    if plain(name):
        return f"{owner}.{name} = {made}"
    return f'{owner}.add_module("{name}", {made})'
