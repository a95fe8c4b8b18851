"""Arguments of a call, and the parameters that they are meant for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from graphflow.diagnostics import Mark, fail
from graphflow.ir.dims import Symbolic, symbols
from graphflow.ir.graph import Attr
from graphflow.ir.types import DType, dtype_named
from graphflow.ops.arguments import wanted
from graphflow.ops.builder import Value
from graphflow.ops.op import Op
from graphflow.spec.elaborate.bound import Bound, describe
from graphflow.spec.elaborate.vocabulary import suggest
from graphflow.spec.names import BY_NAME

CONTEXT = frozenset({"rng", "stream"})
"""What the elaborator supplies to random operators: the key, and the name of the stream."""

INFERRED = frozenset({"in_features", "in_channels", "input_size", "num_features", "num_channels"})
"""Arguments of PyTorch's layers that say what the input says already."""


WIDTHS = frozenset({"channels", "out_channels", "out_features"})
"""Arguments that say how wide a layer's result is, where PyTorch names the input's width first."""
LISTS = {"shape": "the shape is", "axes": "the axes are", "axis": "several axes are",
         "reps": "the repetitions are"}  # fmt: skip
"""Attributes that are lists, where other libraries take their items one by one."""


@dataclass(frozen=True)
class Arguments:
    """Evaluated arguments of a call, with the place of each for messages."""

    positional: Sequence[Bound]
    keywords: Mapping[str, Bound]
    marks: Mapping[str | int, Mark]
    mark: Mark

    def mark_of(self, key: str | int) -> Mark:
        return self.marks.get(key, self.mark)


def with_first(arguments: Arguments, value: Bound) -> Arguments:
    """The arguments with the pipeline's value in front."""
    marks = {(k + 1 if isinstance(k, int) else k): m for k, m in arguments.marks.items()}
    return Arguments([value, *arguments.positional], arguments.keywords, marks, arguments.mark)


def match_operator(op: Op, arguments: Arguments) -> tuple[list[Bound], dict[str, Attr]]:
    """Arguments of a call matched to an operator's operands and attributes."""
    names = [n for n in op.arguments if n.lstrip("*") not in CONTEXT or not op.random]
    if op.random and "stream" in arguments.keywords:
        names.append("stream")  # graphflow expand says which numbers are drawn
    _scalar_last(op, names, arguments)
    sizes = "sizes" in op.attributes
    given = dict(bind(op.name, names, arguments, sizes, _as_list(op, names, arguments)))
    operands: list[Bound] = []
    for operand in op.operands:
        name = operand.lstrip("*")
        if name in CONTEXT and op.random:
            continue
        if operand.startswith("*"):
            operands += given.pop(name, ())  # type: ignore[arg-type]
        elif name in given:
            operands.append(given.pop(name))
        else:
            missing(op.name, name, names, arguments.mark)
    extra = {k: given.pop(k) for k in list(given) if k not in op.attributes}
    if extra:
        given["sizes"] = tuple((k, v) for k, v in extra.items())
    for name, parameter in op.attributes.items():
        if parameter.default is parameter.empty and name not in given and name not in CONTEXT:
            missing(op.name, name, names, arguments.mark)
    attrs: dict[str, Attr] = {}
    for name, value in given.items():
        at = name if name in arguments.keywords else names.index(name)
        attrs[name] = attribute(op.name, name, value, arguments.mark_of(at))
        words = name in op.attributes and wanted(op.attributes[name], attrs[name])
        if words:
            fail("GF033", f"'{name}' of {op.name} is {words}, not {describe(value)}",
                 arguments.mark_of(at), help=_habit(op, names, arguments, value))  # fmt: skip
    return operands, attrs


def _scalar_last(op: Op, names: Sequence[str], arguments: Arguments) -> None:
    """``stack(a, b, 1)``: the number behind tensors is meant for an axis."""
    if "axis" not in names or not op.operands[:1] or not op.operands[0].startswith("*"):
        return
    *tensors, last = arguments.positional or (None,)
    shaped = any(isinstance(v, tuple) or (isinstance(v, Value) and v.ndim) for v in tensors)
    whole = isinstance(last, int) and not isinstance(last, bool)
    if shaped and whole and not _alone(arguments.positional):
        given = ", ".join(map(_brief, tensors))
        fail("GF022", f"{op.name} joins tensors, and {last} is a number",
             arguments.mark_of(len(tensors)),
             help=f"write axis={last}: {op.name}({given}, axis={last})")  # fmt: skip


def _habit(op: Op, names: Sequence[str], arguments: Arguments, value: Bound) -> str | None:
    """Help for an attribute of the wrong kind: a list written as its items, a quoted word."""
    if isinstance(value, str):
        return f"write {value} without quotes" if dtype_named(value) else None
    return _as_list(op, names, arguments)


def _as_list(op: Op, names: Sequence[str], arguments: Arguments) -> str | None:
    """``zeros(3, 4)`` as it should be: ``zeros([3, 4])``."""
    first = next((i for i, n in enumerate(names) if n in op.attributes), 0)
    items = arguments.positional[first:]
    integers = all(isinstance(v, int | Symbolic) and not isinstance(v, bool) for v in items)
    name = names[first]
    if len(items) < 2 or not integers or name not in LISTS:
        return None
    before = [_brief(v) for v in arguments.positional[:first]]
    written = ", ".join([*before, describe(tuple(items))])
    return f"{LISTS[name]} a list: {op.name}({written})"


def bind(
    function: str,
    names: Sequence[str],
    arguments: Arguments,
    extra: bool = False,
    help: str | None = None,
) -> dict[str, Bound]:
    """Positional and keyword arguments by parameter name.

    ``*name`` takes all that are left, or a list alone: in ``concat([a, b], 1)``, 1 is the axis.
    What follows a bare ``*`` is given by name alone.
    """
    given: dict[str, Bound] = {}
    positional = list(arguments.positional)
    shown = f"{function}({', '.join(names)})"
    for index, name in enumerate(names):
        if name == BY_NAME:
            if len(positional) > index:
                _unnamed(function, names, index, arguments)
            break
        if name.startswith("*"):
            last = index + 1 if _alone(positional[index:]) else len(positional)
            given[name[1:]] = tuple(positional[index:last])
            positional = positional if last == index + 1 else positional[:index]
        elif index < len(positional):
            given[name] = positional[index]
    plain = [n for n in names if not n.startswith("*")]
    if len(positional) > len(names):
        fail("GF022", f"{function} takes {len(names)} arguments, {len(positional)} were given",
             arguments.mark_of(len(names)), help=help or f"its arguments are {shown}")  # fmt: skip
    for name, value in arguments.keywords.items():
        mark = arguments.mark_of(name)
        if name not in plain and not extra:
            inferred = "the input's size is inferred: leave it out" if name in INFERRED else None
            close = inferred or suggest(name, plain)
            fail("GF022", f"{function} has no argument '{name}'", mark,
                 help=close or f"its arguments are {shown}")  # fmt: skip
        if name in given:
            fail("GF022", f"argument '{name}' of {function} is given twice", mark)
        given[name] = value
    return given


def _alone(given: Sequence[Bound]) -> bool:
    """Whether a list is all that ``*name`` takes, and attributes follow it."""
    return (
        len(given) > 1
        and isinstance(given[0], tuple)
        and not any(isinstance(v, tuple | Value) for v in given[1:])
    )


def _unnamed(function: str, names: Sequence[str], index: int, arguments: Arguments) -> NoReturn:
    """Refuse arguments by position where the declaration wants their names."""
    given = arguments.positional
    named = [f"{n}={_brief(v)}" for n, v in zip(names[index + 1 :], given[index:], strict=False)]
    call = f"{function}({', '.join([*map(_brief, given[:index]), *named])})"
    inferred = "; the input's channels are inferred" if WIDTHS & set(names[:index]) else ""
    fail("GF022", f"'{names[index + 1]}' of {function} is given by name",
         arguments.mark_of(index), help=f"write {call}{inferred}")  # fmt: skip


def _brief(value: Bound) -> str:
    """A value in a message that shows a call."""
    if not isinstance(value, Value):
        return describe(value)
    return "x" if "." in value.name else value.name


def attribute(function: str, name: str, value: Bound, mark: Mark) -> Attr:
    """A static value as an operator's attribute."""
    if isinstance(value, Value):
        sizes = ", ".join(sorted(_open_sizes(value)))
        if sizes:
            fail("GF026", f"'{name}' of {function} is computed from the open size {sizes}, and "
                 "must be a number", mark,
                 help=f"write a number in place of {sizes} under 'inputs'; with any number there "
                 "'graphflow data FILE' shows the shapes that are fed")  # fmt: skip
        fail("GF026", f"'{name}' of {function} must be known while the graph is built, "
             "and this is a tensor", mark)  # fmt: skip
    if isinstance(value, tuple):
        return tuple(attribute(function, name, item, mark) for item in value)
    if value is None or isinstance(value, bool | int | float | str | Symbolic | DType):
        return value
    fail("GF022", f"'{name}' of {function} cannot be {describe(value)}", mark)


def _open_sizes(value: Value) -> set[str]:
    """The sizes that a value is computed from, where it is computed from nothing else."""
    nodes, found, todo = value.builder.nodes, set[str](), [value.name]
    for name in todo:
        node = nodes[name]
        if node.op == "constant":
            number = node.attr("value")
            found |= symbols(number) if isinstance(number, Symbolic) else set()
        elif not node.inputs:
            return set()
        todo += [n for n in node.inputs if n not in todo]
    return found


def missing(function: str, name: str, names: Sequence[str], mark: Mark) -> NoReturn:
    """Refuse a call that leaves out what it must say."""
    fail("GF022", f"{function} needs '{name}'", mark,
         help=f"its arguments are {function}({', '.join(names)})")  # fmt: skip
