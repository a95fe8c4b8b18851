"""Pages about operators and library blocks, as data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from graphflow.library import files
from graphflow.ops import OPS, Op
from graphflow.reference.derivative import derivative, shapes
from graphflow.reference.example import Example, block_example, operator_example
from graphflow.spec.document import BlockDecl
from graphflow.spec.elaborate import library_module
from graphflow.spec.names import BY_NAME, Argument, listed
from graphflow.spec.unparse import unparse

Language = Literal["prose", "math", "yaml", "text", "list"]


@dataclass(frozen=True)
class Part:
    """A titled piece of a page, and what it is written in."""

    title: str
    text: str
    language: Language = "prose"


@dataclass(frozen=True)
class Page:
    """What there is to know about one name: how it is called, then its parts."""

    name: str
    kind: Literal["operator", "block", "section", "data source", "transform", "argument"]
    family: str
    call: str
    parts: tuple[Part, ...]


WRITTEN = {"gradient": "gradients", "while": "while_loop"}
"""Operators that files call by another name."""
IMPLIED = ("rng", "stream")
"""Arguments that files do not give."""


def page_of(name: str) -> Page | None:
    """The page of an operator or of a block of the library; None where there is neither.

    >>> page = page_of("tanh")
    >>> page.call, [part.title for part in page.parts][:3]
    ('tanh(x)', ['', 'Formula', 'Derivative'])
    """
    known = WRITTEN.get(name, name)
    if known in OPS and OPS[known].arguments:
        return _operator(OPS[known])
    blocks = library_module().blocks
    return _block(name, blocks[name]) if name in blocks else None


def all_names() -> dict[str, str]:
    """Every name that has a page, and its family, operators first."""
    names = {own: name for name, own in WRITTEN.items()}
    found = {names.get(n, n): op.family for n, op in OPS.items() if op.arguments}
    return found | {name: family_of(name) for name in library_module().blocks}


def call_arguments(name: str) -> list[str]:
    """What an operator or a block of the library is called with.

    >>> call_arguments("dropout")
    ['x', 'p']
    """
    known = WRITTEN.get(name, name)
    if known in OPS:
        return [argument for argument in OPS[known].arguments if argument not in IMPLIED]
    block = library_module().blocks[name]
    return [*block.inputs, *(argument.name for argument in block.args)]


# -- operators -----------------------------------------------------------------------------------
def _operator(op: Op) -> Page:
    parts = [Part("", inspect.getdoc(op) or ""), *_formula(op)]
    rule = derivative(op)
    if rule:
        parts.append(Part("Derivative", rule, "text"))
    elif op.vjp is None and op.family not in ("control", "derivative"):
        parts.append(Part("Derivative", "None: nothing is handed back through it."))
    parts.append(Part("Arguments", "\n".join(_facts(op)), "list"))
    examples = shapes(op)
    if examples:
        parts.append(Part("Shapes", "\n".join(examples), "text"))
    parts += _shown(operator_example(op))
    written = next((name for name, own in WRITTEN.items() if own == op.name), op.name)
    call = f"{written}:" if op.family == "control" else f"{written}({', '.join(_signature(op))})"
    return Page(written, "operator", op.family, call, tuple(parts))


def _formula(op: Op) -> Iterator[Part]:
    if op.latex and op.latex != "{x}":
        names = [*(n.removeprefix("*") for n in op.operands), *op.attributes]
        written = {n: _symbol(n) for n in names} | {"operands": r"\ldots"}
        yield Part("Formula", f"y = {op.latex.format_map(written)}", "math")


def _symbol(name: str) -> str:
    return name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def _signature(op: Op) -> Iterator[str]:
    for name in op.arguments:
        parameter = op.attributes.get(name)
        if name in IMPLIED:
            continue
        if parameter is None or parameter.default is parameter.empty:
            yield name
        else:
            yield f"{name}={_default(parameter.default)}"


def _default(value: object) -> str:
    """A default as a file would write it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str) else str(value).replace("()", "[]")


def _facts(op: Op) -> Iterator[str]:
    """What the type rule does to numbers, and what backward keeps."""
    tensors = ", ".join(f"`{n}`" for n in op.operands if n != "rng") or "none"
    yield f"tensors: {tensors}"
    if op.attributes.keys() - {"stream"}:
        known = ", ".join(f"`{n}`" for n in op.attributes if n != "stream")
        yield f"known while the graph is built: {known}"
    if op.floats:
        yield "integers become the program's float"
    elif op.promotes is not None:
        yield "operands come to one number type"
    if op.random:
        yield "random: a draw depends on seed, node and step alone"
    if op.view:
        yield "may share memory with its operand"
    if op.vjp is not None:
        kept = ", ".join("its result" if n == "out" else f"`{n}`" for n in op.retains)
        yield f"backward keeps: {kept or 'nothing'}"


# -- blocks --------------------------------------------------------------------------------------
def _block(name: str, block: BlockDecl) -> Page:
    parts = [Part("", block.about), *_parameters(block)]
    parts.append(Part("Definition", definition(name), "yaml"))
    parts += _shown(block_example(name, family_of(name), block))
    arguments = ", ".join([*block.inputs, *map(_argument, listed(block.args))])
    return Page(name, "block", family_of(name), f"{name}({arguments})", tuple(parts))


def _argument(argument: Argument | None) -> str:
    if argument is None:
        return BY_NAME
    default = argument.default
    return argument.name if default is None else f"{argument.name}={unparse(default)}"


def _parameters(block: BlockDecl) -> Iterator[Part]:
    rows = [
        f"`{decl.name or name}` [{', '.join(map(unparse, decl.shape))}], first {unparse(decl.init)}"
        + "".join(f", for {n} in {unparse(values)}" for n, values in decl.for_.items())
        for name, decl in block.params.items()
    ]
    if rows:
        yield Part("Parameters", "\n".join(rows), "list")


def _shown(example: Example | None) -> Iterator[Part]:
    if example is not None:
        language: Language = "yaml" if "\n" in example.text else "text"
        yield Part("Example", example.text.rstrip(), language)
        yield Part("gives", example.result, "text")


def family_of(name: str) -> str:
    """The file of the library that holds a block; 'plugins' for one of another package."""
    mark = library_module().blocks[name].mark
    folder, _, file = mark.file.partition("/")
    return file.removesuffix(".yaml") if folder == "library" else "plugins"


def definition(name: str) -> str:
    """The lines of the library that define a block, without what is said about it."""
    family = family_of(name)
    if family == "plugins":
        return ""
    lines = _text(family).splitlines()
    first = next(n for n, line in enumerate(lines) if line == f"  {name}:")
    return f"{name}:\n" + "\n".join(_body(lines[first + 1 :]))


def _body(lines: Sequence[str]) -> Iterator[str]:
    """The lines of one block, two columns to the left; ``about`` and ``example`` left out."""
    skipping = False
    for line in lines:
        if line.strip() and not line.startswith("    "):
            return
        if line.startswith("    ") and not line.startswith("     "):
            skipping = line.strip().startswith(("about:", "example:"))
        if line.strip() and not skipping:
            yield line.removeprefix("  ")


@cache
def _text(family: str) -> str:
    """A file of the library."""
    (path,) = (path for path in files() if path.name == f"{family}.yaml")
    return path.read_text(encoding="utf-8")
