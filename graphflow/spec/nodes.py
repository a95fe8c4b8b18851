"""What may stand under ``nodes:``: expressions, pipelines, loops in time, choices (rules 1, 3, 7).

========  =====================================================================================
body      spelling
========  =====================================================================================
formula   ``h: relu(x @ w + b)``
checked   ``h: {is: relu(x @ w + b), shape: [B, 64]}``
pipeline  ``from: x`` / ``through: [...]``, whose items are calls, ``repeat:`` or ``for:``
scan      ``scan: {x: e}`` / ``carry:`` / ``nodes:`` / ``next:`` / ``collect:``
while     ``while: error > 1e-6`` / ``carry:`` / ``nodes:`` / ``next:`` / ``max_steps:``
cond      ``cond: sum(x) > 0`` / ``then: f(x)`` / ``else: {nodes: ..., out: y}``
========  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, fail
from graphflow.spec.kinds import Findings, Kind, Record, Schema, key, wrong
from graphflow.spec.leaves import (
    BOOLEAN,
    CALL,
    EXPRESSION,
    EXPRESSIONS,
    FLAG,
    NAMES,
    SHAPE,
    TEXT,
)
from graphflow.spec.names import declared, targets
from graphflow.spec.parser import parse, parse_value
from graphflow.spec.syntax import Expr, ListExpr
from graphflow.spec.values import Map, Scalar, Seq, Value


@dataclass(frozen=True, slots=True)
class NodeDecl:
    """``names: body``; several names unpack the value."""

    names: tuple[str, ...]
    body: Body
    mark: Mark = field(compare=False, repr=False)


class _Nodes:
    """The kind of a ``nodes:`` section."""

    def read(self, value: Value, mark: Mark) -> tuple[NodeDecl, ...]:
        if not isinstance(value, Map):
            wrong(value, "a mapping of nodes, 'name: expression',")
        findings = Findings()
        read = [findings.attempt(partial(_node, name, body)) for name, body in value.items]
        findings.finish()
        return tuple(node for node in read if node is not None)

    def schema(self, defs: Schema) -> Schema:
        return {"type": "object", "additionalProperties": BODY.schema(defs)}


NODES: Kind[tuple[NodeDecl, ...]] = _Nodes()


@dataclass(frozen=True, slots=True)
class Annotated:
    """``{is: expression, shape: [B, 10]}``: a value with a checked shape; () is a scalar's."""

    is_: Expr = field(metadata=key("is", EXPRESSION, "the value"))
    mark: Mark = field(compare=False, repr=False)
    shape: tuple[Expr, ...] | None = field(
        default=None, metadata=key("shape", SHAPE, "the shape it must have")
    )
    dtype: str | None = field(
        default=None, metadata=key("dtype", TEXT, "the type of number it must have")
    )


@dataclass(frozen=True, slots=True)
class Count:
    """``repeat: n`` or ``repeat: {i: n}``, where ``index`` names the turn, from 0."""

    index: str | None
    times: Expr


@dataclass(frozen=True, slots=True)
class Rows:
    """``for: {dilation: [1, 2, 4]}`` or ``for: {"channels, depth": [[64, 2], [128, 2]]}``: one
    turn a row, each giving its values to ``names``.
    """

    names: tuple[str, ...]
    values: Expr


class _Count:
    def read(self, value: Value, mark: Mark) -> Count:
        if isinstance(value, Seq):
            wrong(value, "a number of turns, or {i: number},")
        if isinstance(value, Scalar):
            return Count(None, parse(value))
        name, times = _only(value, "repeat: {i: 3}")
        return Count(declared(name), parse_value(times))

    def schema(self, defs: Schema) -> Schema:
        entry: Schema = {"type": "object", "maxProperties": 1, "minProperties": 1}
        return {"anyOf": [{"type": ["integer", "string"]}, entry]}


class _Rows:
    def read(self, value: Value, mark: Mark) -> Rows:
        if not isinstance(value, Map):
            wrong(value, "a mapping such as {dilation: [1, 2, 4]}")
        name, values = _only(value, 'for: {"channels, depth": [[64, 2], [128, 2]]}')
        names, rows = targets(name), parse_value(values)
        if len(names) > 1 and isinstance(rows, ListExpr):
            for row in rows.items:
                if isinstance(row, ListExpr) and len(row.items) != len(names):
                    fail("GF013", f"a row of {len(names)} values is expected here", row.mark)
        return Rows(names, rows)

    def schema(self, defs: Schema) -> Schema:
        return {"type": "object", "maxProperties": 1, "minProperties": 1}


class _Items:
    """The kind of ``through:``."""

    def read(self, value: Value, mark: Mark) -> tuple[Item, ...]:
        if not isinstance(value, Seq):
            wrong(value, "a list of calls, each on a line '- call',")
        findings = Findings()
        read = [findings.attempt(partial(_item, item)) for item in value.items]
        findings.finish()
        return tuple(item for item in read if item is not None)

    def schema(self, defs: Schema) -> Schema:
        return {"type": "array", "items": {"anyOf": [CALL.schema(defs), REPEAT.schema(defs)]}}


@dataclass(frozen=True, slots=True)
class Repeat:
    """An item that repeats ``through``, ``repeat`` times or once a row of ``for_``; each turn
    owns its parameters unless ``share``.
    """

    through: tuple[Item, ...] = field(metadata=key("through", _Items(), "what one turn does"))
    mark: Mark = field(compare=False, repr=False)
    repeat: Count | None = field(
        default=None, metadata=key("repeat", _Count(), "how often: 3, depth, or {i: 3}")
    )
    for_: Rows | None = field(
        default=None, metadata=key("for", _Rows(), "one turn a row: {dilation: [1, 2, 4]}")
    )
    share: bool = field(
        default=False, metadata=key("share", BOOLEAN, "whether the turns share parameters")
    )


Item = Expr | Repeat


@dataclass(frozen=True, slots=True)
class Pipeline:
    """``from: x`` / ``through: [...]``: every item is a call whose first tensor is left out."""

    from_: Expr = field(metadata=key("from", EXPRESSION, "what flows in"))
    through: tuple[Item, ...] = field(
        metadata=key("through", _Items(), "the calls it flows through, '_' marks its place")
    )
    mark: Mark = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Over:
    """``scan: {x: e, ...}``: ``x`` is ``e[t]``, for t along axis 0; or ``scan: {steps: n}``."""

    sequences: Mapping[str, Expr]
    steps: Expr | None


class _Over:
    def read(self, value: Value, mark: Mark) -> Over:
        sequences = dict(EXPRESSIONS.read(value, mark))
        steps = sequences.pop("steps", None)
        if not sequences and steps is None:
            wrong(value, "{x: sequence} or {steps: n}")
        return Over(sequences, steps)

    def schema(self, defs: Schema) -> Schema:
        return EXPRESSIONS.schema(defs)


@dataclass(frozen=True, slots=True)
class Scan:
    """A loop in time. ``carry`` gives the first values, ``next`` those of the following step;
    ``collect`` names values of the body that are stacked along axis 0.
    """

    head: Over = field(metadata=key("scan", _Over(), "{x: sequence} or {steps: n}"))
    mark: Mark = field(compare=False, repr=False)
    nodes: tuple[NodeDecl, ...] = field(default=(), metadata=key("nodes", NODES, "one step"))
    carry: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("carry", EXPRESSIONS, "first value of what is carried")
    )
    next: Mapping[str, Expr] = field(
        default_factory=dict, metadata=key("next", EXPRESSIONS, "the following value of each")
    )
    collect: tuple[str, ...] = field(
        default=(), metadata=key("collect", NAMES, "values stacked over the steps")
    )
    reverse: Expr | bool = field(
        default=False, metadata=key("reverse", FLAG, "whether time runs backwards")
    )

    @property
    def over(self) -> Mapping[str, Expr]:
        """The sequences by the name of their element."""
        return self.head.sequences

    @property
    def steps(self) -> Expr | None:
        """The number of steps of a scan without sequences."""
        return self.head.steps


@dataclass(frozen=True, slots=True)
class While:
    """A loop that runs as long as ``condition``, of the carried names, is true.

    ``{while: abs(x * x - a) > 1e-6, carry: {x: a}, next: {x: (x + a / x) / 2}}``
    """

    condition: Expr = field(metadata=key("while", EXPRESSION, "goes on as long as this is true"))
    carry: Mapping[str, Expr] = field(
        metadata=key("carry", EXPRESSIONS, "first value of what is carried")
    )
    next: Mapping[str, Expr] = field(
        metadata=key("next", EXPRESSIONS, "the following value of each")
    )
    mark: Mark = field(compare=False, repr=False)
    nodes: tuple[NodeDecl, ...] = field(default=(), metadata=key("nodes", NODES, "one step"))
    max_steps: Expr | None = field(
        default=None, metadata=key("max_steps", EXPRESSION, "the loop ends here at the latest")
    )


@dataclass(frozen=True, slots=True)
class Branch:
    """One side of a choice: ``f(x)``, or ``{nodes: ..., out: y}``."""

    out: Expr = field(metadata=key("out", EXPRESSION, "the value"))
    mark: Mark = field(compare=False, repr=False)
    nodes: tuple[NodeDecl, ...] = field(
        default=(), metadata=key("nodes", NODES, "steps towards it")
    )


BRANCH = Record(Branch, "a branch", shorthand="out")


@dataclass(frozen=True, slots=True)
class Cond:
    """A choice made by data while the program runs.

    ``{cond: sum(x) > 0, then: 2 * x, else: {nodes: {z: abs(x)}, out: z / 2}}``

    Where the condition is known while the graph is built, write ``a if c else b``.
    """

    if_: Expr = field(metadata=key("cond", EXPRESSION, "a single truth value"))
    then: Branch = field(metadata=key("then", BRANCH, "the value if it is true"))
    else_: Branch = field(metadata=key("else", BRANCH, "the value if it is not"))
    mark: Mark = field(compare=False, repr=False)


Body = Expr | Annotated | Pipeline | Scan | While | Cond


def _carried(loop: Scan | While) -> None:
    """Every carried name has a following value, and nothing else has."""
    found = []
    for name in dict.fromkeys([*loop.carry, *loop.next]):
        if name not in loop.next or name not in loop.carry:
            there, missing = ("carry", "next") if name in loop.carry else ("next", "carry")
            message = f"'{name}' stands under '{there}' but not under '{missing}'"
            mark = (loop.carry.get(name) or loop.next[name]).mark
            found.append(Diagnostic("GF012", message, mark))
    if found:
        raise GraphflowError(*found)


REPEAT = Record(Repeat, "a repetition", one_of=("repeat", "for"))
BODIES: dict[
    str,
    Record[Pipeline] | Record[Annotated] | Record[Scan] | Record[While] | Record[Cond],
] = {
    "from": Record(Pipeline, "a pipeline"),
    "is": Record(Annotated, "a checked value"),
    "scan": Record(Scan, "a scan", check=_carried),
    "while": Record(While, "a while loop", check=_carried),
    "cond": Record(Cond, "a choice"),
}
"""What a node may be instead of an expression, by the key that tells."""


class _Body:
    """The kind of a node's value."""

    def read(self, value: Value, mark: Mark) -> Body:
        if not isinstance(value, Map):
            return parse_value(value)
        keys = {name.text for name, _ in value.items}
        for head, record in BODIES.items():
            if head in keys:
                return record.read(value, mark)
        likely = max(BODIES.values(), key=lambda record: len(keys & set(record.table())))
        if keys & set(likely.table()):
            return likely.read(value, mark)
        fail(
            "GF013",
            "a node is an expression, or a mapping with 'is', 'from', 'scan', 'while' or 'cond'",
            mark,
        )

    def schema(self, defs: Schema) -> Schema:
        if "node" not in defs:
            defs["node"] = {}
            kinds = [EXPRESSION.schema(defs), *(b.schema(defs) for b in BODIES.values())]
            defs["node"] = {"anyOf": list(kinds)}
        return {"$ref": "#/$defs/node"}


BODY: Kind[Body] = _Body()


def _node(name: Scalar, value: Value) -> NodeDecl:
    findings = Findings()
    names = findings.attempt(partial(targets, name))
    body = findings.attempt(partial(BODY.read, value, name.mark))
    findings.finish()
    assert names is not None and body is not None
    return NodeDecl(names, body, name.mark)


def _item(value: Value) -> Item:
    if isinstance(value, Map):
        return REPEAT.read(value, value.mark)
    return CALL.read(value, value.mark)


def _only(value: Map, example: str) -> tuple[Scalar, Value]:
    if len(value.items) != 1:
        fail("GF013", "one name is expected here", value.mark, help=f"write {example}")
    return value.items[0]
