"""Which calls become classes, which functions, and what instances of one block share.

Every call is first written by itself. Calls of one block whose text differs in nothing but
literals share a definition, which takes those literals as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import graphflow.interop.pytorch.functional
import graphflow.interop.pytorch.modules  # noqa: F401 (both register layers)
from graphflow.interop.pytorch import layers, literals
from graphflow.interop.pytorch.body import Body, given, returned
from graphflow.interop.pytorch.control import Function
from graphflow.interop.pytorch.flow import Step, all_updates
from graphflow.interop.pytorch.layers import MODULE, Construction, Layer
from graphflow.interop.pytorch.parts import Initial, Parts
from graphflow.interop.pytorch.primitives import tensor
from graphflow.interop.pytorch.reserved import RESERVED
from graphflow.interop.pytorch.uses import Definition, LayerUse, Use
from graphflow.interop.source import ATOM, docstring, identifier, indented
from graphflow.ir.graph import Node
from graphflow.spec.elaborate.calltree import CallNode, CallTree, Section

SMALL = 3
"""Nodes of a library block that is written where it is called."""


@dataclass
class Draft:
    """The text of one call's definition, literals marked."""

    call: CallNode
    body: Body
    parameters: list[str]
    lines: list[str]
    setup: list[str] = field(default_factory=list)
    base: Construction = MODULE
    parts: frozenset[str] = frozenset()

    @property
    def made(self) -> list[str]:
        """The texts of the constructor: arguments of the base, and lines."""
        return [*self.base.arguments, *self.setup]

    @property
    def skeleton(self) -> tuple[tuple[str, ...], ...]:
        """The texts without their literals: calls in which they agree share a definition."""
        sections = ([self.base.name], self.made, self.lines)
        return tuple(tuple(map(literals.skeleton, texts)) for texts in sections)

    @property
    def slots(self) -> list[tuple[str, str]]:
        """The literals in order, with a hint for a name each."""
        return [slot for text in (*self.made, *self.lines) for slot in literals.found(text)]


class Definitions:
    """All definitions of one file, in the order in which they must stand."""

    def __init__(self, reserved: frozenset[str], initial: Initial, frozen: frozenset[str]) -> None:
        self.aliases: dict[str, Node] = {}
        self.helpers: dict[str, None] = {}
        self.reserved = reserved
        self.initial, self.frozen = initial, frozen
        self.found: list[Definition] = []
        self._taken: set[str] = set()
        self._uses: dict[CallNode, Use] = {}
        self._cores: dict[CallNode, Sequence[Step]] = {}
        self._layers: dict[CallNode, Layer | None] = {}

    # -- what stands for a call --------------------------------------------------------------
    def layer(self, call: CallNode) -> Layer | None:
        """The entry of the table for a call, looked up once."""
        if call not in self._layers:
            whole = call.arguments.get("activation") is None or layers.activation(call) is not None
            self._layers[call] = layers.found(call) if whole else None
        return self._layers[call]

    def spliced(self, call: CallNode) -> Sequence[Step] | None:
        """The steps of a call that is no definition: a layer and its activation, a small block,
        and one that calls an instance of another, which only its caller reaches.
        """
        if self.layer(call) is not None:
            return self._core(call)
        if borrows(call):
            return call.steps
        nodes = [node for node in call.nodes() if node.op != "constant"]
        small = call.library and len(nodes) <= SMALL and not call.leaves
        whole = not (call.regions or all_updates(call))
        return call.steps if small and whole else None

    def _core(self, call: CallNode) -> Sequence[Step] | None:
        """A layer without its activation, then the activation."""
        last = None if call.arguments.get("activation") is None else layers.activation(call)
        if last is None:
            return None
        if call not in self._cores:
            operand = layers.operand(last)
            core = replace(
                call, results={"": operand}, aliases={},
                arguments={**call.arguments, "activation": None},
            )  # fmt: skip
            self._cores[call] = [core, last]
        return self._cores[call]

    def handle(self, call: CallNode) -> Use | LayerUse:
        """How a call is written."""
        entry = self.layer(call)
        return LayerUse(call, entry) if entry is not None else self._uses[call]

    def construction(self, call: CallNode) -> Construction | None:
        """The module that holds what a call owns, where it owns something."""
        entry = self.layer(call)
        if entry is not None:
            return entry.build
        use = self._uses[call]
        if use.owner is None:
            return None
        return Construction(use.definition.name, tuple(use.values))

    # -- definitions -------------------------------------------------------------------------
    def define_all(self, calls: CallTree) -> None:
        """Definitions for all calls of a file, inner ones first."""
        self._collect_aliases(calls)
        for level in self._levels(calls):
            groups: dict[object, list[Draft]] = {}
            for call in level:
                draft = self.draft(call)
                groups.setdefault((call.name, draft.skeleton), []).append(draft)
            for drafts in groups.values():
                self.define(drafts)

    def _collect_aliases(self, section: Section) -> None:
        for child in section.sections:
            if isinstance(child, CallNode):
                self.aliases |= child.aliases
            self._collect_aliases(child)

    def _levels(self, calls: CallTree) -> list[list[CallNode]]:
        heights: dict[int, list[CallNode]] = {}

        def height(section: Section) -> int:
            inner = [height(child) for child in self._inside(section.sections)]
            own = max(inner, default=-1) + 1
            if isinstance(section, CallNode):
                heights.setdefault(own, []).append(section)
            return own

        height(calls)
        return [heights[h] for h in sorted(heights)]

    def _inside(self, sections: Iterable[Section]) -> Iterator[Section]:
        """The calls among sections and inside them that need a definition; regions as well."""
        for section in sections:
            steps = self.spliced(section) if isinstance(section, CallNode) else None
            if steps is not None:
                yield from self._inside(step for step in steps if isinstance(step, CallNode))
                yield from self._inside(section.insides)
            elif not isinstance(section, CallNode) or self.layer(section) is None:
                yield section

    def draft(self, call: CallNode) -> Draft:
        """The text of a call as if it were the only one."""
        owned = f"{call.owner}."
        module = any(n.startswith(owned) for n in call.leaves)
        body = Function(self, call, module)
        body.owner = call.owner if module else None
        parts = Parts(self, call) if module else None
        parameters = []
        for node, name in given(call):
            if module and node in call.leaves and node.startswith(owned):
                continue
            parameters.append(body.parameter(node, name, body.type_of(node)))
        if parts is not None:
            parts.bind(body)
            body.places = parts.place
        results, updates = returned(call), call.updates
        body.write([*results, *updates.values()])
        lines = [*body.lines, *state_updates(body, updates)]
        shown = ", ".join(tensor(body.value(n), body.type_of(n)).text for n in results)
        lines = returning(lines, shown) if results else [*lines, "return None"]
        draft = Draft(call, body, [*parameters, *body.sizes.values()], lines)
        if parts is not None:
            draft.setup, draft.base = parts.setup(), parts.base()
            draft.parts = RESERVED | parts.names
        return draft

    def define(self, drafts: Sequence[Draft]) -> None:
        """One definition for calls whose texts differ in literals alone."""
        first = drafts[0]
        columns = list(zip(*([value for _, value in d.slots] for d in drafts), strict=True))
        hints = [hint for hint, _ in first.slots]
        names: dict[tuple[str, ...], str] = {}
        taken = {*first.body.taken, *first.parameters, *first.parts}
        for hint, column in zip(hints, columns, strict=True):
            if len(set(column)) > 1 and column not in names:
                names[column] = identifier(argument_name(drafts, column) or hint, taken)
                taken.add(names[column])
        module = first.body.module
        count = sum(len(literals.found(text)) for text in first.made)
        shown = []
        for index, column in enumerate(columns):
            name = names.get(column)
            stored = f"self.{name}" if module and index >= count else name
            shown.append(column[0] if name is None else str(stored))
        rest = iter(shown)
        made = [literals.filled(text, rest) for text in first.made]
        lines = [literals.filled(text, rest) for text in first.lines]
        arguments, setup = made[: len(first.base.arguments)], made[len(first.base.arguments) :]
        later = [n for c, n in names.items() if module and c in columns[count:]]
        definition = Definition(self.name(first, module), [], list(names.values()))
        keep = [f"self.{name} = {name}" for name in later]
        start = [f"super().__init__({', '.join(arguments)})", *keep, *setup]
        definition.lines = (
            class_lines(definition, first, start, lines)
            if module
            else function_lines(definition, first, lines)
        )
        self.found.append(definition)
        for index, draft in enumerate(drafts):
            values = [literals.wrapped(c[index], name) for c, name in names.items()]
            owner = draft.call.owner if module else None
            self._uses[draft.call] = Use(
                draft.body.inputs, list(draft.body.sizes), draft.body.trains, definition, values,
                owner,
            )  # fmt: skip

    def name(self, draft: Draft, module: bool) -> str:
        """A free name for the definition of a block."""
        name = draft.call.name
        wanted = camel(name) if module else identifier(name)
        found = identifier(wanted, {*self._taken, *self.reserved})
        self._taken.add(found)
        return found


def borrows(call: CallNode) -> bool:
    """Whether something inside of a call uses parameters of an instance that was handed to it."""
    return any(_foreign(inner, f"{call.owner}.") for inner in call.sections)


def _foreign(section: Section, home: str) -> bool:
    own = isinstance(section, CallNode) and f"{section.owner}.".startswith(home)
    away = isinstance(section, CallNode) and not own and bool(section.leaves)
    return away or any(_foreign(inner, home) for inner in section.sections)


def returning(lines: list[str], shown: str) -> list[str]:
    """The lines with a ``return``; a variable that is only returned is not made."""
    head = f"{shown} = "
    if lines and lines[-1].startswith(head):
        return [*lines[:-1], f"return {lines[-1].removeprefix(head)}"]
    return [*lines, f"return {shown}"]


def argument_name(drafts: Sequence[Draft], column: tuple[str, ...]) -> str | None:
    """The block's argument that has these values in all instances."""
    for name, value in drafts[0].call.arguments.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        values = tuple(repr(d.call.arguments.get(name)) for d in drafts)
        if values == column:
            return name
    return None


def state_updates(body: Body, updates: Mapping[str, str]) -> list[str]:
    """Lines that keep new values of states while training, and of parameters that a step sets."""
    if not updates:
        return []
    places = {leaf: body.states.get(leaf) or f"{body.owned[leaf]}.data" for leaf in updates}
    lines = [f"{places[leaf]} = {detached(body, node)}" for leaf, node in updates.items()]
    return ["if self.training:", *indented(lines)]


def detached(body: Body, node: str) -> str:
    """A value without its derivative."""
    code = body.value(node)
    if body.node_of(node).op == "stop_gradient" and not code.is_name:
        return code.text
    return f"{code.at(ATOM)}.detach()"


def class_lines(
    definition: Definition, draft: Draft, start: list[str], lines: list[str]
) -> list[str]:
    """A class for a block that owns parameters; ``start`` are the lines of its constructor."""
    signature = ", ".join(["self", *definition.arguments])
    text = about(draft)
    forward = ", ".join(["self", *draft.parameters])
    return [
        f"class {definition.name}({draft.base.name}):",
        *(indented([*text, ""]) if text else []),
        f"    def __init__({signature}):",
        *indented(start, 2),
        "",
        f"    def forward({forward}):",
        *indented(lines, 2),
    ]


def function_lines(definition: Definition, draft: Draft, lines: list[str]) -> list[str]:
    """A function for a block without parameters."""
    extra = ["training"] if draft.body.trains else []
    signature = ", ".join([*draft.parameters, *definition.arguments, *extra])
    return [f"def {definition.name}({signature}):", *indented(about(draft)), *indented(lines)]


def about(draft: Draft) -> list[str]:
    """What the file says of a block."""
    text = draft.call.block.about
    return docstring([text]) if text else []


def camel(name: str) -> str:
    """``add_norm`` as ``AddNorm``."""
    words = [w for w in identifier(name).split("_") if w]
    return identifier("".join(w[0].upper() + w[1:] for w in words) or "Block")
