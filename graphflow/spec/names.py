"""The small grammars of names: keys that declare, arguments of a block, names in use."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from graphflow.diagnostics import Mark, fail
from graphflow.spec.parser import WORDS, parse_text
from graphflow.spec.syntax import (
    Binary,
    BoolOp,
    Call,
    Compare,
    EllipsisLiteral,
    Expr,
    IfElse,
    ListExpr,
    Name,
    Slice,
    Subscript,
    Unary,
)
from graphflow.spec.values import Scalar

BY_NAME = "*"
"""What stands before arguments that are given by name alone."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a block: ``channels`` or ``stride=1``; behind ``'*'``, given ``by_name``."""

    name: str
    default: Expr | None
    mark: Mark = field(compare=False, repr=False)
    by_name: bool = False


def declared(source: Scalar | str) -> str:
    """A name that the file declares: a letter, then letters, digits and ``_``. Raises GF025."""
    scalar = _scalar(source)
    return _declared(scalar.text, scalar.mark)


def declared_path(source: Scalar | str) -> str:
    """A name with its parts, as ``graphflow expand`` writes them: ``decoder.0.a.weight``."""
    scalar = _scalar(source)
    return _declared_path(scalar.text, scalar.mark)


def targets(source: Scalar | str) -> tuple[str, ...]:
    """The names of a key that unpacks.

    >>> targets("i, f, g, o")
    ('i', 'f', 'g', 'o')
    """
    scalar = _scalar(source)
    names: list[str] = []
    start = 0
    for part in scalar.text.split(","):
        name, mark = _trimmed(scalar, start, start + len(part))
        start += len(part) + 1
        if name in names:
            fail("GF024", f"'{name}' is named twice", mark)
        names.append(_declared_path(name, mark))
    return tuple(names)


def signature(items: Iterable[Scalar | str]) -> tuple[Argument, ...]:
    """The arguments of a block, from ``["channels", "stride=1"]``.

    What follows ``"*"`` is given by name. Raises GF025 for what is neither ``name`` nor
    ``name=value``, GF024 for a name given twice.
    """
    found: list[Argument] = []
    star: Scalar | None = None
    for scalar in map(_scalar, items):
        if scalar.text.strip() == BY_NAME:
            if star is not None:
                fail("GF024", "'*' stands twice", scalar.mark)
            star = scalar
            continue
        argument = _argument(scalar, star is not None)
        if any(argument.name == earlier.name for earlier in found):
            fail("GF024", f"argument '{argument.name}' is declared twice", argument.mark)
        follows = bool(found) and found[-1].default is not None
        if argument.default is None and follows and not argument.by_name:
            fail(
                "GF025",
                f"argument '{argument.name}' without a default follows one that has one",
                argument.mark,
                help="put it before those with defaults",
            )
        found.append(argument)
    if star is not None and not (found and found[-1].by_name):
        fail("GF025", "'*' stands before arguments that are given by name, and none follows",
             star.mark)  # fmt: skip
    return tuple(found)


def listed(arguments: Iterable[Argument]) -> Iterator[Argument | None]:
    """The arguments, and None where ``'*'`` stands: before the first that is given by name."""
    star = False
    for argument in arguments:
        if argument.by_name and not star:
            star = True
            yield None
        yield argument


def free_names(expr: Expr) -> tuple[str, ...]:
    """The names an expression uses, dotted ones whole, each once, in order; called functions are
    not among them.

    >>> from graphflow.spec.parser import parse
    >>> free_names(parse("G(z) + fx.relu4_1 * z"))
    ('z', 'fx.relu4_1')
    """
    return tuple(dict.fromkeys(part.id for part in walk(expr) if isinstance(part, Name)))


def walk(expr: Expr | Slice | EllipsisLiteral) -> Iterator[Expr | Slice | EllipsisLiteral]:
    """The expression and everything inside it, from left to right."""
    yield expr
    for child in _children(expr):
        yield from walk(child)


def _children(
    expr: Expr | Slice | EllipsisLiteral,
) -> tuple[Expr | Slice | EllipsisLiteral, ...]:
    match expr:
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
        case BoolOp(operands=operands):
            return operands
        case IfElse(condition, then, otherwise):
            return (then, condition, otherwise)
        case Call(args=args, kwargs=kwargs):
            return (*args, *(k.value for k in kwargs))
        case ListExpr(items=items):
            return items
        case Subscript(value, items):
            return (value, *items)
        case Slice(start, stop, step):
            return tuple(part for part in (start, stop, step) if part is not None)
        case _:
            return ()


def _argument(scalar: Scalar, by_name: bool) -> Argument:
    head, equals, default = scalar.text.partition("=")
    name, mark = _trimmed(scalar, 0, len(head))
    _declared(name, mark)
    if not equals:
        return Argument(name, None, mark, by_name)
    shift = len(head) + 1
    value = parse_text(default, lambda o, n: scalar.at(shift + o, n))
    return Argument(name, value, mark, by_name)


def _trimmed(scalar: Scalar, start: int, end: int) -> tuple[str, Mark]:
    """The part of a text without the space around it, and its place."""
    part = scalar.text[start:end]
    start += len(part) - len(part.lstrip())
    return part.strip(), scalar.at(start, len(part.strip()))


def _declared(name: str, mark: Mark) -> str:
    if not name:
        fail("GF025", "a name is missing", mark)
    if keyword.iskeyword(name) or name in WORDS:
        help = "write 'lam'" if name == "lambda" else f"write '{name}_', or another name"
        fail("GF025", f"'{name}' is a reserved word", mark, help=help)
    if not name.isidentifier() or name.startswith("__"):
        help = "a name is a letter, then letters, digits and '_'"
        fail("GF025", f"'{name}' is not a name", mark, help=help)
    return name


def _declared_path(name: str, mark: Mark) -> str:
    head, *parts = name.split(".")
    if all(part.isidentifier() or part.isdecimal() for part in parts):
        _declared(head, mark)
        return name
    return _declared(name, mark)


def _scalar(source: Scalar | str) -> Scalar:
    if isinstance(source, Scalar):
        return source
    return Scalar(source, source, Mark("<expression>", 1, 1, max(1, len(source)), source))
