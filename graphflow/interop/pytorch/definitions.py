"""Which calls become classes, which functions, and what instances of one block share.

Every call is first written by itself. Calls of one block whose text differs in nothing but
literals share a definition, which takes those literals as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import graphflow.interop.pytorch.functional
import graphflow.interop.pytorch.modules  # noqa: F401 (both register layers)
from graphflow.diagnostics import fail
from graphflow.interop.pytorch import layers, literals
from graphflow.interop.pytorch.body import Body, given
from graphflow.interop.pytorch.control import Function
from graphflow.interop.pytorch.flow import Step, all_updates, children
from graphflow.interop.pytorch.layers import Layer
from graphflow.interop.pytorch.parts import Initial, Parts
from graphflow.interop.pytorch.primitives import tensor
from graphflow.interop.pytorch.record import Record
from graphflow.interop.pytorch.reserved import RESERVED
from graphflow.interop.source import ATOM, Code, docstring, identifier, indented
from graphflow.ops.builder import Value

SMALL = 3
"""Nodes of a library block that is written where it is called."""


@dataclass
class Draft:
    """The text of one call's definition, literals marked."""

    record: Record
    body: Body
    parameters: list[str]
    lines: list[str]
    setup: list[str] = field(default_factory=list)
    base: str = "nn.Module()"
    parts: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return "\n".join([self.base, *self.setup, "#", *self.lines])


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

    record: Record
    layer: Layer
    sizes: Sequence[str] = ()
    trains: bool = False

    @property
    def inputs(self) -> Sequence[str]:
        return [self._node(name) for name in self.layer.inputs]

    def _node(self, name: str) -> str:
        value = self.record.arguments[name]
        assert isinstance(value, Value)
        return value.name

    def call(self, body: Body, arguments: Sequence[str]) -> Code:
        codes = {n: body.value(self._node(n)) for n in self.layer.inputs}
        target = self.layer.target
        if self.layer.build is not None:
            target = reference(body, self.record.owner)
        shown = layers.arguments_of(self.layer, codes)
        if self.layer.trains:
            shown += f", training={training(body)}"
        return Code(f"{target}({shown})")

    def outputs(self, code: Code) -> Mapping[str, Code] | None:
        if self.layer.outputs is None:
            return None
        return dict(zip(self.record.results, map(Code, self.layer.outputs(code.text)), strict=True))


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
            body.record.mark,
            help="call it where it is declared, and hand on the result",
        )
    if owner == home:
        return "super().forward"
    return body.places(owner)


class Definitions:
    """All definitions of one file, in the order in which they must stand."""

    def __init__(self, reserved: frozenset[str], initial: Initial, frozen: frozenset[str]) -> None:
        self.helpers: dict[str, None] = {}
        self.reserved = reserved
        self.initial, self.frozen = initial, frozen
        self.found: list[Definition] = []
        self._taken: set[str] = set()
        self._uses: dict[int, Use | LayerUse] = {}
        self._cores: dict[int, list[Step]] = {}
        self._layers: dict[int, Layer | None] = {}
        self._keep: list[Record] = []

    # -- what stands for a call --------------------------------------------------------------
    def layer(self, record: Record) -> Layer | None:
        """The entry of the table for a call, looked up once."""
        if id(record) not in self._layers:
            self._layers[id(record)] = layers.found(record)
            self._keep.append(record)
        return self._layers[id(record)]

    def spliced(self, record: Record) -> Sequence[Step] | None:
        """The steps of a call that is no definition: a layer and its activation, a small block."""
        if self.layer(record) is not None:
            return self._core(record)
        nodes = [node for node in record.nodes() if node.op != "constant"]
        small = record.library and len(nodes) <= SMALL and not record.leaves
        whole = not (record.regions or all_updates(record))
        return record.steps if small and whole else None

    def _core(self, record: Record) -> Sequence[Step] | None:
        """A layer without its activation, then the steps of the activation."""
        if record.arguments.get("activation") is None:
            return None
        if id(record) not in self._cores:
            end = record.lines["z"]
            names = [step.name if not isinstance(step, Record) else "" for step in record.steps]
            cut = names.index(end) + 1
            core = replace(
                record, steps=record.steps[:cut], results=(end,), parts=("",),
                arguments={**record.arguments, "activation": None},
            )  # fmt: skip
            self._cores[id(record)] = [core, *record.steps[cut:]]
            self._keep.append(record)
        return self._cores[id(record)]

    def handle(self, record: Record) -> Use | LayerUse:
        """How a call is written."""
        entry = self.layer(record)
        if entry is not None:
            return LayerUse(record, entry)
        return self._uses[id(record)]

    # -- definitions -------------------------------------------------------------------------
    def define_all(self, record: Record) -> None:
        """Definitions for all calls inside a record, inner ones first."""
        for level in self._levels(record):
            groups: dict[tuple[str, str], list[Draft]] = {}
            for call in level:
                draft = self.draft(call)
                key = (call.name, literals.skeleton(draft.text))
                groups.setdefault(key, []).append(draft)
            for drafts in groups.values():
                self.define(drafts)

    def _levels(self, record: Record) -> list[list[Record]]:
        heights: dict[int, list[Record]] = {}

        def height(call: Record) -> int:
            inner = [height(child) for child in self._inside(call)]
            own = max(inner, default=-1) + 1
            if call is not record and call.name != "region":
                heights.setdefault(own, []).append(call)
            return own

        height(record)
        return [heights[h] for h in sorted(heights)]

    def _inside(self, record: Record) -> list[Record]:
        """The calls inside a record that need a definition, regions among them."""
        found: list[Record] = []
        for child in children(record):
            steps = self.spliced(child) if child.name != "region" else None
            if steps is not None:
                parts = [s for s in steps if isinstance(s, Record)]
                view = replace(child, steps=list(parts))
                found += self._inside(view)
            elif child.name == "region" or self.layer(child) is None:
                found.append(child)
        return found

    def draft(self, record: Record) -> Draft:
        """The text of a call as if it were the only one."""
        module = any(n.startswith(f"{record.owner}.") for n in record.leaves)
        body = Function(self, record, module)
        body.owner = record.owner if module else None
        parts = Parts(self, record) if module else None
        parameters = []
        for node, name in given(record):
            leaf = record.leaves.get(node)
            if leaf is not None and module and node.startswith(f"{record.owner}."):
                continue
            parameters.append(body.parameter(node, name, record.table[node].tensor))
        if parts is not None:
            parts.bind(body)
            body.places = parts.place
        made = {node.name for node in record.nodes()}
        results = [n for n in dict.fromkeys(record.results) if n in made]
        updates = dict(record.updates)
        body.write([*results, *updates.values()])
        lines = [*body.lines, *state_updates(body, updates)]
        shown = ", ".join(tensor(body.value(n), body.type_of(n)).text for n in results)
        lines = returning(lines, shown) if results else [*lines, "return None"]
        draft = Draft(record, body, [*parameters, *body.sizes.values()], lines)
        if parts is not None:
            draft.setup, draft.base = parts.setup(), parts.base()
            draft.parts = RESERVED | parts.names
        return draft

    def define(self, drafts: Sequence[Draft]) -> None:
        """One definition for calls whose texts differ in literals alone."""
        first = drafts[0]
        slots = [literals.found(d.text) for d in drafts]
        columns = list(zip(*([value for _, value in slot] for slot in slots), strict=True))
        hints = [hint for hint, _ in slots[0]]
        names: dict[tuple[str, ...], str] = {}
        taken = {*first.body.taken, *first.parameters, *first.parts}
        for hint, column in zip(hints, columns, strict=True):
            if len(set(column)) > 1 and column not in names:
                names[column] = identifier(argument_name(drafts, column) or hint, taken)
                taken.add(names[column])
        module = first.body.module
        count = len(literals.found("\n".join([first.base, *first.setup])))
        shown = []
        for index, column in enumerate(columns):
            name = names.get(column)
            stored = f"self.{name}" if module and index >= count else name
            shown.append(column[0] if name is None else str(stored))
        text = literals.filled(first.text, shown).split("\n")
        base, setup, lines = text[0], text[1 : text.index("#")], text[text.index("#") + 1 :]
        later = [n for c, n in names.items() if module and c in columns[count:]]
        definition = Definition(self.name(first, module), [], list(names.values()))
        keep = [f"self.{name} = {name}" for name in later]
        write = class_lines if module else function_lines
        definition.lines = write(definition, first, base, [*keep, *setup], lines)
        self.found.append(definition)
        for index, draft in enumerate(drafts):
            values = [literals.wrapped(c[index], name) for c, name in names.items()]
            owner = draft.record.owner if module else None
            self._uses[id(draft.record)] = Use(
                draft.body.inputs, list(draft.body.sizes), draft.body.trains, definition, values,
                owner,
            )  # fmt: skip
            self._keep.append(draft.record)

    def name(self, draft: Draft, module: bool) -> str:
        """A free name for the definition of a block."""
        name = draft.record.name
        wanted = camel(name) if module else identifier(name)
        found = identifier(wanted, {*self._taken, *self.reserved})
        self._taken.add(found)
        return found


def returning(lines: list[str], shown: str) -> list[str]:
    """The lines with a ``return``; a variable that is only returned is not made."""
    head = f"{shown} = "
    if lines and lines[-1].startswith(head):
        return [*lines[:-1], f"return {lines[-1].removeprefix(head)}"]
    return [*lines, f"return {shown}"]


def argument_name(drafts: Sequence[Draft], column: tuple[str, ...]) -> str | None:
    """The block's argument that has these values in all instances."""
    for name, value in drafts[0].record.arguments.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        values = tuple(repr(d.record.arguments.get(name)) for d in drafts)
        if values == column:
            return name
    return None


def state_updates(body: Body, updates: Mapping[str, str]) -> list[str]:
    """Lines that keep new values of states while training."""
    if not updates:
        return []
    kept = {leaf: body.value(node).at(ATOM) for leaf, node in updates.items()}
    lines = [f"{body.states[leaf]} = {value.removesuffix('.detach()')}.detach()"
             for leaf, value in kept.items()]  # fmt: skip
    return ["if self.training:", *indented(lines)]


def class_lines(
    definition: Definition, draft: Draft, base: str, setup: list[str], lines: list[str]
) -> list[str]:
    """A class for a block that owns parameters."""
    head, _, arguments = base.partition("(")
    arguments = arguments.rpartition(")")[0]
    start = [f"super().__init__({arguments})", *setup]
    signature = ", ".join(["self", *definition.arguments])
    text = about(draft)
    forward = ", ".join(["self", *draft.parameters])
    return [
        f"class {definition.name}({head}):",
        *(indented([*text, ""]) if text else []),
        f"    def __init__({signature}):",
        *indented(start, 2),
        "",
        f"    def forward({forward}):",
        *indented(lines, 2),
    ]


def function_lines(
    definition: Definition, draft: Draft, base: str, setup: list[str], lines: list[str]
) -> list[str]:
    """A function for a block without parameters."""
    extra = ["training"] if draft.body.trains else []
    signature = ", ".join([*draft.parameters, *definition.arguments, *extra])
    return [f"def {definition.name}({signature}):", *indented(about(draft)), *indented(lines)]


def about(draft: Draft) -> list[str]:
    """What the file says of a block."""
    block = draft.record.block
    text = block.about if block is not None else ""
    return docstring([text]) if text else []


def camel(name: str) -> str:
    """``add_norm`` as ``AddNorm``."""
    words = [w for w in identifier(name).split("_") if w]
    return identifier("".join(w[0].upper() + w[1:] for w in words) or "Block")
