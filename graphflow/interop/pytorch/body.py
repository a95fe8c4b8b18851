"""Writing the inside of one function or method: a line for every named value, the rest inlined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Protocol, cast

import graphflow.interop.pytorch.positions
import graphflow.interop.pytorch.shapes  # noqa: F401 (both register rules)
from graphflow.diagnostics import Mark, fail
from graphflow.interop.pytorch.flow import Flow, Step, operands, outside
from graphflow.interop.pytorch.literals import length, marked
from graphflow.interop.pytorch.primitives import RULES, tensor
from graphflow.interop.pytorch.sizes import Source, size_code
from graphflow.interop.source import ATOM, Code, identifier
from graphflow.interop.watched import Watched
from graphflow.ir import dims
from graphflow.ir.dims import Dim
from graphflow.ir.graph import Attr, Node
from graphflow.ir.types import TensorType, TupleType
from graphflow.spec.elaborate.calltree import Argument, CallNode, Ref, Section

LONGEST = 68
"""Characters that an expression inside another one may have."""
PYTHON = frozenset({"self", "super", "torch", "nn", "F", "range", "zip", "float", "math", "len"})
"""Names that the source itself uses."""


class Handle(Protocol):
    """How a body calls what has been defined before it."""

    @property
    def inputs(self) -> Sequence[str]:
        """The nodes that it is given."""

    @property
    def sizes(self) -> Sequence[str]:
        """The sizes that it is given."""

    def call(self, body: Body, arguments: Sequence[str]) -> Code:
        """The call as an expression."""

    def outputs(self, code: Code) -> Mapping[str, Code] | None:
        """What each result is called where the call needs no unpacking."""


class Program(Protocol):
    """What a body knows of the whole file."""

    helpers: dict[str, None]
    reserved: frozenset[str]

    @property
    def aliases(self) -> Mapping[str, Node]:
        """Further names of values, of all calls."""

    def handle(self, call: CallNode) -> Handle:
        """How a call is written."""

    def spliced(self, call: CallNode) -> Sequence[Step] | None:
        """The steps that stand for a call that has no definition of its own."""

    @property
    def initial(self) -> Callable[[str, Body | None, set[str]], tuple[list[str], Code]]:
        """A leaf's first value: lines before it, and its expression."""


class Body:
    """The lines of one function, from a section's steps."""

    def __init__(self, program: Program, section: Section, module: bool) -> None:
        self.program, self.section, self.module = program, section, module
        self.lines: list[str] = []
        self.env: dict[str, Code] = {}
        self.inputs: list[str] = []
        self.entered: list[str] = self.inputs
        self.sources: list[Source] = []
        self.sizes: dict[str, str] = {}
        self.taken: set[str] = {*PYTHON, *program.reserved}
        self.trains = False
        self.owner: str | None = None
        self.places: Callable[[str], str] = str
        """How the modules that it owns are reached."""
        self.states: dict[str, str] = {}
        self.owned: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.holders: dict[str, str] = {}
        self.flow = Flow()
        self.position = 0

    # -- names -------------------------------------------------------------------------------
    def parameter(self, node: str, name: str, type: TensorType) -> str:
        """A value that the function is given."""
        chosen = identifier(name, self.taken)
        self.taken.add(chosen)
        self.env[node] = Code(chosen)
        self.inputs.append(node)
        self.sources.append(Source(chosen, type.shape))
        return chosen

    def variable(self, node: str) -> str:
        """The variable that holds a node from here on; a pipeline goes on with the one it has."""
        name = self.section.names.get(node)
        base = identifier(name if name else _base(node))
        holder = self.holders.get(base)
        same = holder is not None and name is not None and self.section.names.get(holder) == name
        if same and holder is not None and self._last_read(holder) <= self.position:
            self.holders[base] = node
            return base
        chosen = identifier(base, self.taken)
        self.taken.add(chosen)
        self.holders[chosen] = node
        return chosen

    def fresh(self, name: str) -> str:
        """A variable of the source's own."""
        chosen = identifier(name, self.taken)
        self.taken.add(chosen)
        return chosen

    def _last_read(self, node: str) -> int:
        found = -1
        for position in self.flow.readers.get(node, ()):
            if position >= self.flow.end:
                return self.flow.end
            step = self.flow.steps[position]
            made = step.results.values() if isinstance(step, CallNode) else (step.name,)
            inlined = [n for n in made if n in self.env and not self.env[n].is_name]
            later = (self._last_read(n) for n in inlined if n != node)
            found = max([found, position, *later])
        return found

    def type_of(self, node: str) -> TensorType:
        """The type of a value."""
        return self.node_of(node).tensor

    def node_of(self, name: str) -> Node:
        """The node of a name."""
        return self.program.aliases.get(name) or self.section.graph.nodes[name]

    # -- values ------------------------------------------------------------------------------
    def value(self, node: str) -> Code:
        """What stands for a node here."""
        return self.env[node]

    def define(self, node: str, code: Code) -> None:
        """A node's expression: inlined where it is read once, else a line of its own."""
        readers = self.flow.readers.get(node, [])
        once = len(readers) == 1 and node not in self.section.names
        if node in self.defaults:
            self.assign(node, code)
        elif code.scalar or code.is_name or (once and length(code.text) <= LONGEST):
            self.env[node] = code
        else:
            self.assign(node, code)

    def assign(self, node: str, code: Code) -> None:
        """A line of its own."""
        if node in self.defaults:
            name = self.defaults[node]
            self.lines += [f"if {name} is None:", f"    {name} = {code}"]
            self.env[node] = Code(name)
            return
        name = self.variable(node)
        self.lines.append(f"{name} = {code}")
        self.env[node] = Code(name)

    def write(self, roots: Sequence[str]) -> None:
        """All lines that ``roots`` need."""
        self.flow = Flow.of(self.section, self.program.spliced, roots)
        self.begin()
        self.steps(0, self.flow.end)

    def write_first(self, first: Sequence[str], roots: Sequence[str]) -> None:
        """The lines that ``first`` needs, of all that ``roots`` need."""
        self.flow = Flow.of(self.section, self.program.spliced, roots, first)
        self.begin()
        self.steps(0, self.flow.split)

    def steps(self, start: int, end: int) -> None:
        """The lines of some steps."""
        for position in range(start, end):
            self.position = position
            self.step(self.flow.steps[position])
        self.position = end

    def begin(self) -> None:
        """What comes before the first step."""

    def step(self, step: Step) -> None:
        """One step: a call or a node."""
        if isinstance(step, CallNode):
            self.call(step)
        elif step.name in self.flow.pending:
            self.env[step.name] = self.value(self.flow.pending[step.name])
        elif step.name not in self.env:
            self.node(step)

    def node(self, node: Node) -> None:
        """A primitive; control operators are added above."""
        rule = RULES.get(node.op)
        if rule is None:
            self.refuse(node, f"PyTorch source has no counterpart of '{node.op}'")
        place = Place(self, node)
        code = rule(place)
        for name in place.node.ignored():
            self.refuse(node, f"the argument '{name}' of {node.op} has no counterpart in PyTorch")
        if isinstance(node.type, TupleType):
            self.unpack(node, code)
        else:
            self.define(node.name, code)

    def unpack(self, node: Node, code: Code) -> None:
        """``a, b = code`` for a node with several results."""
        assert isinstance(node.type, TupleType)
        items = self.items_of(node.name)
        names = [self.variable(items[i][0]) if i in items else "_"
                 for i in range(len(node.type.items))]  # fmt: skip
        self.lines.append(f"{', '.join(names)}{',' if len(names) == 1 else ''} = {code}")
        self.env |= {item: Code(names[index]) for index, same in items.items() for item in same}

    def items_of(self, node: str) -> dict[int, list[str]]:
        """The nodes that pick the results of a node, by the result's number."""
        found: dict[int, list[str]] = {}
        for step in self.flow.steps:
            if isinstance(step, Node) and step.op == "item" and step.inputs == (node,):
                found.setdefault(cast(int, step.attr("index")), []).append(step.name)
        return found

    def call(self, call: CallNode) -> None:
        """A call of a function or module."""
        handle = self.program.handle(call)
        for inside in call.nodes():
            if inside.name in handle.inputs and inside.name not in self.env:
                self.node(inside)  # a list that the call is given is a constant inside it
        arguments = [tensor(self.value(n)).text for n in handle.inputs]
        arguments += [self.size_of(symbol) for symbol in handle.sizes]
        code = handle.call(self, arguments)
        results = returned(call)
        direct = handle.outputs(code)
        if direct is not None:
            name = self.fresh(identifier(call.name))
            self.lines.append(f"{name} = {code}")
            for node, part in (handle.outputs(Code(name)) or {}).items():
                self.define(node, part)
        elif len(results) == 1:
            self.define(results[0], code)
        elif results:
            names = [self.variable(n) if n in self.flow.readers else "_" for n in results]
            self.lines.append(f"{', '.join(names)} = {code}")
            self.env |= {n: Code(v) for n, v in zip(results, names, strict=True)}
        else:
            self.lines.append(code.text)

    # -- sizes -------------------------------------------------------------------------------
    def size(self, dim: Dim, near: Source | None = None) -> Code:
        """A size, as a literal or read off an argument."""
        if isinstance(dim, int):
            return Code(marked(dim, "size"), ATOM if dim >= 0 else 8, True)
        sources = [*([near] if near else []), *self.sources]
        code = size_code(dim, sources, self.size_of)
        assert code is not None
        return Code(code.text, code.level, True)

    def size_of(self, symbol: str) -> str:
        """A size that no argument shows is an argument itself."""
        shown = size_code(dims.symbol(symbol), self.sources, None)
        if shown is not None:
            return shown.text
        if symbol not in self.sizes:
            own = dims.symbol(symbol)
            names = (n for n, bound in self.arguments.items() if bound == own)
            self.sizes[symbol] = self.fresh(next(names, f"size_{symbol}"))
        return self.sizes[symbol]

    def refuse(self, node: Node, message: str) -> NoReturn:
        """What cannot be written stops the export, at the line it stands in."""
        origin = self.section.graph.origins.get(node.name)
        mark = origin.mark if origin else self.mark
        fail("GF103", f"'{node.name}' cannot be exported: {message}", mark)

    @property
    def arguments(self) -> Mapping[str, Argument]:
        """What the call that is written is given."""
        return self.section.arguments if isinstance(self.section, CallNode) else {}

    @property
    def mark(self) -> Mark | None:
        """Where the call that is written stands."""
        return self.section.mark if isinstance(self.section, CallNode) else None


class Place:
    """The place of one primitive, as its rule sees it."""

    def __init__(self, body: Body, node: Node) -> None:
        self.body, self.source, self.node = body, node, Watched(node)
        self.names = operands(node)
        self.args = [body.value(n) for n in self.names]
        self.types = [body.type_of(n) for n in self.names]

    def size(self, dim: Dim, operand: int | None = None) -> Code:
        near = None
        if operand is not None and self.args[operand].is_name:
            near = Source(self.args[operand].text, self.types[operand].shape)
        return self.body.size(dim, near)

    def literal(self, value: Attr, hint: str) -> str:
        return marked(value, hint)

    def helper(self, name: str) -> str:
        self.body.program.helpers.setdefault(name)
        return name

    def refuse(self, message: str) -> NoReturn:
        self.body.refuse(self.source, message)

    def training(self) -> str:
        if self.body.module:
            return "self.training"
        self.body.trains = True
        return "training"


def _base(node: str) -> str:
    """A name for a node that no line names."""
    parts = [p for p in node.split(".") if not p.isdigit()]
    return parts[-1].rstrip("0123456789") or "value"


def returned(call: CallNode) -> list[str]:
    """The results that a call makes, each once: others the caller has already."""
    made = {node.name for node in call.nodes()}
    return [n for n in dict.fromkeys(call.results.values()) if n in made]


def given(call: CallNode) -> list[tuple[str, str]]:
    """What a function is handed: (node, name), the block's inputs first."""
    free = outside(call, handed=True)
    names: dict[str, str] = {}
    for name, argument in call.arguments.items():
        if isinstance(argument, Ref) and argument.name in free:
            names.setdefault(argument.name, name)
    ordered = [*(n for n in names), *(n for n in free if n not in names)]
    return [(n, names.get(n, _base(n))) for n in ordered]
