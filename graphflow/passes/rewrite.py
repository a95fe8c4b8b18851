"""Rules and the driver that applies them.

A rule looks at one node and at the nodes it reads, and says what the node can be replaced by, or
why not. The driver visits nodes in running order, so a rule finds every operand already in its
final form, and applies rules to a node until none fires. Nothing is changed in place.

    @rule("neg")
    def double_negative(node, view):
        "``-(-x) -> x``"
        inner = view.node(node.inputs[0])
        return inner.inputs[0] if inner.op == "neg" else None
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from graphflow.ir.graph import ArrayLiteral, Attr, Graph, Node, Origin
from graphflow.ir.types import DType, TensorType
from graphflow.ir.verify import InvalidGraph
from graphflow.ops.builder import Builder
from graphflow.passes.substitute import assembled, map_regions, redirected

BUDGET = 100
"""How many rules may fire at one node before they are taken to run in circles."""

Number = bool | int | float


@dataclass(frozen=True)
class Make:
    """A node to be made: an operator on existing nodes or on further ones to be made."""

    op: str
    operands: tuple[str | Make, ...] = ()
    attrs: Mapping[str, Attr] = field(default_factory=dict)


@dataclass(frozen=True)
class Declined:
    """The rule nearly applies; ``reason`` says why it must not."""

    reason: str


Outcome: TypeAlias = str | Make | Declined | None
"""The name of a node that has the same value, a node to be made, a refusal, or nothing to say."""


@dataclass(frozen=True)
class Rule:
    """One rewriting, whose ``story`` reads before -> after; without ``ops`` for every node."""

    name: str
    story: str
    ops: tuple[str, ...]
    apply: Callable[[Node, View], Outcome]


@dataclass(frozen=True)
class Refusal:
    """A rule that declined at a node."""

    node: str
    rule: str
    reason: str


@dataclass(frozen=True)
class Rewritten:
    """What a pass made of a graph: how often each rule fired, and which declined where."""

    graph: Graph
    fired: Mapping[str, int] = field(default_factory=dict)
    declined: tuple[Refusal, ...] = ()


class RewriteLoop(AssertionError):
    """Rules undo each other's work at one node."""


def make(op: str, *operands: str | Make, **attrs: Attr) -> Make:
    """The node ``op(*operands, **attrs)`` as a rule's result."""
    return Make(op, operands, attrs)


def rule(*ops: str) -> Callable[[Callable[[Node, View], Outcome]], Rule]:
    """Decorator: a function whose docstring is ``before -> after`` becomes a rule for ``ops``."""

    def decorate(function: Callable[[Node, View], Outcome]) -> Rule:
        story = (function.__doc__ or "").strip()
        return Rule(function.__name__, story, ops, function)

    return decorate


class View:
    """The nodes rewritten so far, as rules see them."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes

    def node(self, name: str) -> Node:
        """A node that the node at hand reads, or one further up."""
        return self._nodes[name]

    def tensor(self, name: str) -> TensorType:
        """The type of a node with one result."""
        return self._nodes[name].tensor

    def number(self, name: str) -> Number | None:
        """The number that every element of a node is known to be, rounded to its number type."""
        node = self._nodes[name]
        if node.op not in ("constant", "full"):
            return None
        value, dtype = node.attr("value"), node.tensor.dtype
        if isinstance(value, ArrayLiteral) and value.array.ndim == 0:
            value = value.array.item()
        if not isinstance(value, Number):
            return None
        if dtype.is_float and dtype is not DType.FLOAT:
            with np.errstate(over="ignore", under="ignore"):
                return float(np.asarray(value, dtype.value))
        return bool(value) if dtype is DType.BOOL else value


@dataclass(frozen=True)
class RuleSet:
    """Rules by the operator they look at."""

    by_op: Mapping[str, tuple[Rule, ...]]
    general: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        by_op: dict[str, list[Rule]] = {}
        general: list[Rule] = []
        for each in rules:
            for op in each.ops:
                by_op.setdefault(op, []).append(each)
            if not each.ops:
                general.append(each)
        found = {op: (*some, *general) for op, some in by_op.items()}
        return cls(found, tuple(general))

    def at(self, op: str) -> tuple[Rule, ...]:
        """The rules that look at nodes of an operator, in the order they are tried."""
        return self.by_op.get(op, self.general)


def rewrite(graph: Graph, rules: RuleSet) -> Rewritten:
    """``graph`` and its regions with every rule applied until none fires."""
    log = _Log()
    return Rewritten(_rewritten(graph, rules, log), dict(log.fired), log.refusals())


class _Log:
    def __init__(self) -> None:
        self.fired: Counter[str] = Counter()
        self.declined: dict[tuple[str, str], str] = {}

    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(Refusal(n, r, reason) for (n, r), reason in self.declined.items())


def _rewritten(graph: Graph, rules: RuleSet, log: _Log) -> Graph:
    bench = _Bench(graph, rules, log)
    for node in graph:
        bench.place(node)
    return bench.result()


class _Bench:
    """One graph being rewritten: the new nodes so far, and which former ones they stand for."""

    def __init__(self, graph: Graph, rules: RuleSet, log: _Log) -> None:
        self.graph, self.rules, self.log = graph, rules, log
        self.builder = Builder()
        self.builder.aliases = {name: name for name in (*graph.nodes, *graph.aliases)}
        self.nodes = self.builder.nodes
        self.view = View(self.nodes)
        self.replaced: dict[str, str] = {}
        self.changed = False

    def place(self, node: Node) -> None:
        """Add a node in its final form, or note which one stands for it."""
        after = redirected(node, self.replaced)
        after = map_regions(after, lambda region: _rewritten(region, self.rules, self.log))
        settled = self.settle(after)
        if isinstance(settled, str):
            self.replaced[node.name] = settled
        else:
            self.nodes[node.name] = settled
        self.changed |= settled is not node

    def settle(self, node: Node) -> Node | str:
        """``node`` after rules have fired until none does."""
        fired: list[str] = []
        while (found := self.first_outcome(node)) is not None:
            name, outcome = found
            fired.append(name)
            if len(fired) > BUDGET:
                often = ", ".join(f"{n} ({k} times)" for n, k in Counter(fired).most_common(3))
                raise RewriteLoop(f"rules run in circles at '{node.name}': {often}")
            self.log.fired[name] += 1
            after = self.nodes[outcome] if isinstance(outcome, str) else self.made(outcome, node)
            if after.type != node.type:
                raise InvalidGraph(f"rule {name}", f"makes {after.type} of {node}")
            if isinstance(outcome, str):
                return outcome
            node = after
        return node

    def first_outcome(self, node: Node) -> tuple[str, str | Make] | None:
        """The first rule that fires, and what it wants."""
        for each in self.rules.at(node.op):
            outcome = each.apply(node, self.view)
            if isinstance(outcome, Declined):
                self.log.declined[node.name, each.name] = outcome.reason
            elif outcome is not None:
                return each.name, outcome
        return None

    def made(self, wanted: Make, node: Node) -> Node:
        """The node a rule asked for, under the name of the node it replaces."""
        self.builder.origin = self.graph.origin(node.name)
        name = self.add(wanted, node.name)
        self.builder.origins.pop(name)
        return replace(self.nodes.pop(name), name=node.name)

    def add(self, wanted: Make, scope: str) -> str:
        operands = [x if isinstance(x, str) else self.add(x, scope) for x in wanted.operands]
        values = [self.builder.value(x) for x in operands]
        label = f"{scope}.{wanted.op}"
        return self.builder.add(wanted.op, *values, name=label, **wanted.attrs).name

    def result(self) -> Graph:
        if not self.changed:
            return self.graph
        origins: Mapping[str, Origin] = self.builder.origins
        return assembled(self.graph, self.nodes, self.replaced, origins)
