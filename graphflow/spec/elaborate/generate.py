"""``generate:`` as meaning: which nodes, which of their axes, and how tokens are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields

from graphflow.diagnostics import Mark, did_you_mean, fail, placed
from graphflow.ir.dims import Shape
from graphflow.ops.builder import Value
from graphflow.spec.elaborate.bound import Function, Instance, Parts, Poison, describe
from graphflow.spec.elaborate.elaborator import Elaborator
from graphflow.spec.elaborate.given import given
from graphflow.spec.elaborate.scope import Scope
from graphflow.spec.elaborate.settings import whole
from graphflow.spec.generate import GenerateDecl
from graphflow.spec.kinds import mark_of
from graphflow.spec.leaves import Numbers
from graphflow.spec.patterns import matching
from graphflow.spec.strategies import STRATEGIES, Greedy, Strategy
from graphflow.spec.syntax import Call, Expr

LENGTH = 50
TIME = "T"


@dataclass(frozen=True)
class Axes:
    """Where time and batch are in a shape; None where they are not."""

    time: int | None
    batch: int | None


@dataclass(frozen=True)
class GenerationPlan:
    """A whole ``generate:`` section, resolved.

    ``logits`` and ``token`` are nodes, ``said`` and ``fed`` their axes; ``carry`` are the states
    that go on from token to token, ``given`` texts and numbers for other nodes.
    """

    logits: str
    token: str
    said: Axes
    fed: Axes
    strategy: Strategy
    prompt: str
    length: int
    stop: str | None
    context: int | None
    carry: tuple[str, ...]
    given: Mapping[str, str | Numbers]
    mark: Mark


def generation_plan(elaborator: Elaborator, decl: GenerateDecl, scope: Scope) -> GenerationPlan:
    """The generate section, resolved; a GraphflowError for what does not fit the graph."""
    token = _tensor(elaborator, decl.token, scope, decl.mark)
    logits = _tensor(elaborator, decl.logits, scope, decl.mark)
    if not token.dtype.is_integer:
        fail("GF031", f"'{decl.token}' takes tokens, which are whole numbers, but is {token.type}",
             decl.mark, help="declare it with dtype: int")  # fmt: skip
    if not logits.dtype.is_float or not logits.shape:
        fail("GF031", f"'{decl.logits}' scores each token of the vocabulary, but is {logits.type}",
             decl.mark)  # fmt: skip
    fed = _fed_axes(elaborator, decl, token.shape, scope)
    said = _said_axes(decl, token, logits, fed)
    carry = _carried(elaborator, decl)
    if fed.time is None and not carry:
        fail("GF033", f"'{decl.token}' {token.type} takes one token, but nothing carries on what "
             "came before it", decl.mark,
             help="give it an axis T, or name the states that go on: carry: [h]")  # fmt: skip
    for name in decl.given:
        _tensor(elaborator, name, scope, mark_of(decl.given, name, decl.mark))
    context = whole(elaborator, decl.context, scope, None, "'context'")
    if context is not None and context < 2:
        fail("GF033", "'context' is a whole number from 2 on", decl.mark)
    return GenerationPlan(
        logits.name,
        token.name,
        said,
        fed,
        chosen_strategy(elaborator, decl.strategy, scope),
        decl.prompt,
        whole(elaborator, decl.length, scope, LENGTH, "'length'") or 0,
        decl.stop,
        context,
        carry,
        decl.given,
        decl.mark,
    )


def chosen_strategy(elaborator: Elaborator, expr: Expr | None, scope: Scope) -> Strategy:
    """The strategy that a call names; its arguments may be constants of ``let``."""
    if expr is None:
        return Greedy()
    if not isinstance(expr, Call):
        fail("GF013", "a strategy is a call", expr.mark,
             help="greedy(), sample(temperature=0.8) or beam(4)")  # fmt: skip
    kind = STRATEGIES.get(expr.function)
    if kind is None:
        help = did_you_mean(expr.function, STRATEGIES) or f"one of {', '.join(STRATEGIES)}"
        fail("GF021", f"unknown strategy '{expr.function}'", expr.mark, help=help)
    names = [field.name for field in fields(kind)]
    required = [field.name for field in fields(kind) if field.default is MISSING]
    settings = given(elaborator, expr, names, scope, required=required).values
    with placed(expr.mark):
        return kind(**settings)  # type: ignore[arg-type]


def _tensor(elaborator: Elaborator, name: str, scope: Scope, mark: Mark) -> Value:
    """The node that a name of the file stands for."""
    value = elaborator.name(name, scope, mark)
    if isinstance(value, Parts | Function | Instance | Poison):
        fail("GF022", f"'{name}' is {describe(value)}, not one value", mark)
    return elaborator.named_tensor(name, value, mark)


def _fed_axes(elaborator: Elaborator, decl: GenerateDecl, shape: Shape, scope: Scope) -> Axes:
    """Time is the axis of that size (T), or the only one of a fixed size beside an open one."""
    names = [str(size) for size in shape]
    time = TIME
    if decl.time is not None:
        time = str(elaborator.static(decl.time, scope, "'time'"))
    elif TIME not in names and len(shape) <= 1:
        return Axes(None, 0 if shape else None)
    fixed = [axis for axis, size in enumerate(shape) if isinstance(size, int)]
    if len(shape) <= 2 and names.count(time) == 1:
        at = names.index(time)
        return Axes(at, 1 - at if len(shape) == 2 else None)
    if len(shape) == 2 and len(fixed) == 1 and decl.time is None:
        return Axes(fixed[0], 1 - fixed[0])
    mark = decl.mark if decl.time is None else decl.time.mark
    example = names[0] if names else TIME
    fail("GF033", f"which axis of '{decl.token}' [{', '.join(names)}] is time?", mark,
         help=f"call its size {TIME}, or say which it is: time: {example}")  # fmt: skip


def _said_axes(decl: GenerateDecl, token: Value, logits: Value, fed: Axes) -> Axes:
    """The axes of the logits: those of the tokens, in either order, or without time."""
    rest = logits.shape[:-1]
    if rest == token.shape:
        return fed
    if len(rest) == 2 and rest == token.shape[::-1]:
        return Axes(fed.batch, fed.time)
    timeless = tuple(size for axis, size in enumerate(token.shape) if axis != fed.time)
    if rest == timeless:
        return Axes(None, None if fed.batch is None else 0)
    expected = ", ".join([*map(str, token.shape), "vocabulary"])
    fail("GF030", f"'{decl.logits}' is {logits.type}, but '{decl.token}' is {token.type}",
         decl.mark, help=f"logits of shape [{expected}] say what follows each")  # fmt: skip


def _carried(elaborator: Elaborator, decl: GenerateDecl) -> tuple[str, ...]:
    """The states that go on from token to token, which an update changes."""
    states = [n for n, leaf in elaborator.leaves.items() if n in elaborator.updates]
    if decl.carry is None:
        return tuple(n for n in states if elaborator.leaves[n].reset == "epoch")
    found: dict[str, None] = {}
    for pattern in decl.carry:
        matched = matching(states, pattern)
        if not matched:
            help = f"these are: {', '.join(states)}" if states else "declare it under state:"
            fail("GF020", f"no state that 'updates' changes is called '{pattern}'", decl.mark,
                 help=help)  # fmt: skip
        found |= dict.fromkeys(matched)
    return tuple(found)
