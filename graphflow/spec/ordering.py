"""A file's sections in reading order: lines are moved, and nothing within a section changes."""

from __future__ import annotations

from dataclasses import dataclass

from graphflow.diagnostics import fail
from graphflow.spec.document import Document
from graphflow.spec.kinds import keyed
from graphflow.spec.load import load_document
from graphflow.spec.values import Map, plain
from graphflow.spec.yaml12 import read, survey

ORDER = tuple(key.names[0] for _, key in keyed(Document))
"""From what a file is about over what it computes to what is done with it."""


@dataclass(frozen=True)
class Section:
    """One key of a file, with the comment right above it; ``gap`` is how many empty lines are."""

    name: str
    lines: tuple[str, ...]
    gap: int


def in_order(text: str, file: str = "<text>") -> str:
    r"""The same file with its sections in the order of :data:`ORDER`, comments kept. What stands
    above the first section stays there.

    >>> print(in_order("nodes: {y: x}  # the same\ninputs: {x: scalar}\n"
    ...                "# a title\nname: copy\ngraphflow: 1\n"), end="")
    graphflow: 1
    # a title
    name: copy
    inputs: {x: scalar}
    nodes: {y: x}  # the same

    Raises GraphflowError for a file with mistakes, and GF013 where sections do not begin at the
    margin, or are no lines of their own.
    """
    load_document(text, file)
    whole = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    head, sections = _sections(whole, file)
    ordered = sorted(sections, key=lambda section: ORDER.index(section.name))
    if ordered == sections:
        return text
    lines = list(head)
    for place, section in enumerate(ordered):
        lines += [""] * (section.gap if place else 0) + list(section.lines)
    found = "\n".join(lines) + "\n"
    tree, findings = survey(found, file)
    if tree is None or findings or plain(tree) != plain(read(text, file)):
        fail("GF013", f"the sections of '{file}' cannot be moved without another meaning",
             help="end each on a line of its own, without empty lines that count")  # fmt: skip
    return found.replace("\n", "\r\n") if "\r\n" in text else found


def _sections(text: str, file: str) -> tuple[list[str], list[Section]]:
    """What stands above the first section, and the sections in the order of the file."""
    tree = read(text, file)
    assert isinstance(tree, Map)
    lines = text.split("\n")
    names = [name.text for name, _ in tree.items]
    first = [name.mark.line - 1 for name, _ in tree.items]
    for name, _ in tree.items:
        if name.mark.column != 1:
            fail("GF013", f"'{name.text}' does not begin at the margin", name.mark,
                 help="write one section a line, without braces around them")  # fmt: skip
    starts = first[:1] + [_with_comment(lines, row) for row in first[1:]]
    ends = [*starts[1:], len(lines)]
    found = []
    for title, start, end in zip(names, starts, ends, strict=True):
        full = _full(lines[start:end])
        found.append(Section(title, tuple(full), _gap(lines, start, len(full) > 1)))
    return lines[: starts[0]], found


def _with_comment(lines: list[str], row: int) -> int:
    """Where the comment right above a line begins."""
    while lines[row - 1].startswith("#"):
        row -= 1
    return row


def _full(lines: list[str]) -> list[str]:
    """Without the empty lines at the end."""
    end = len(lines)
    while not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _gap(lines: list[str], start: int, long: bool) -> int:
    """The empty lines above; of the first section, as many as it will want elsewhere."""
    if start == 0 or not any(line and not line.startswith("#") for line in lines[:start]):
        return int(long)
    return start - len(_full(lines[:start]))
