"""Where each entry of a file stands, and the file without the entries that are wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from graphflow.diagnostics import GraphflowError, Mark
from graphflow.spec.values import Map, Scalar, Value
from graphflow.spec.yaml12 import survey

SECTIONS = ("let", "use", "inputs", "params", "state", "layers", "blocks", "nodes", "updates")
"""The sections that make a graph, whose entries can be left out one by one."""
DRAWN = ("inputs", "params", "state", "layers", "nodes")
"""Those whose entries are boxes of a drawing."""
WORD = re.compile(r"[A-Za-z_]\w*")
LINE = re.compile(r"\s+(" + WORD.pattern + r"(?:\s*,\s*" + WORD.pattern + r")*)\s*:")

Place = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """One entry of a section, from ``start`` (line, column) up to ``end``, and what it says."""

    section: str
    names: tuple[str, ...]
    start: Place
    end: Place
    text: str

    def holds(self, mark: Mark) -> bool:
        """Whether a place lies in it."""
        return self.start <= (mark.line, mark.column) < self.end

    def words(self) -> tuple[str, ...]:
        """The words in it, its own names left out: among them is all that it reads."""
        found = WORD.findall(self.text)
        return tuple(dict.fromkeys(word for word in found if word not in self.names))


def readable(text: str, file: str) -> tuple[Map | None, tuple[Entry, ...]]:
    """What can be read of a text: all of it; else all but the line that breaks YAML's rules, which
    is an entry of its own then; else what stands above that line.
    """
    lines, broken = text.split("\n"), tuple[Entry, ...]()
    tree, stop = _survey(lines, file)
    if stop:
        broken = _line_entry(lines, stop - 1)
        tree, _ = _survey([*lines[: stop - 1], "", *lines[stop:]], file)
    while tree is None and stop > 1:
        lines = lines[: stop - 1]
        tree, stop = _survey(lines, file)
    return (tree, broken) if isinstance(tree, Map) else (None, broken)


def entries(tree: Map, text: str) -> tuple[Entry, ...]:
    """The entries of the sections that make a graph, in the order of the file."""
    lines = text.split("\n")
    found: list[Entry] = []
    for section, value, end in _extents(tree, (len(lines) + 1, 1)):
        if section.text in SECTIONS and isinstance(value, Map):
            for key, _, stop in _extents(value, end):
                names = tuple(name.strip() for name in key.text.split(","))
                start = (key.mark.line, key.mark.column)
                found.append(Entry(section.text, names, start, stop, _between(lines, start, stop)))
    return tuple(found)


def without(tree: Map, wrong: Sequence[Mark], last: Place) -> Map:
    """The file without the entries in which ``wrong`` places lie; sections that make no graph go
    as a whole, and so do those that are wrong as a whole.
    """
    kept: list[tuple[Scalar, Value]] = []
    for key, value, end in _extents(tree, last):
        start = (key.mark.line, key.mark.column)
        hit = [m for m in wrong if start <= (m.line, m.column) < end]
        if not hit:
            kept.append((key, value))
        elif key.text in SECTIONS and isinstance(value, Map):
            inner = tuple((k, v) for k, v, stop in _extents(value, end) if not _hit(k, stop, hit))
            if inner and len(inner) < len(value.items):
                kept.append((key, replace(value, items=inner)))
    return replace(tree, items=tuple(kept))


def _hit(key: Scalar, end: Place, wrong: Iterable[Mark]) -> bool:
    start = (key.mark.line, key.mark.column)
    return any(start <= (mark.line, mark.column) < end for mark in wrong)


def _extents(map: Map, last: Place) -> Iterator[tuple[Scalar, Value, Place]]:
    """Every entry of a mapping with the place where the next one begins."""
    starts = [(key.mark.line, key.mark.column) for key, _ in map.items]
    for (key, value), end in zip(map.items, [*starts[1:], last], strict=True):
        yield key, value, end


def _between(lines: Sequence[str], start: Place, end: Place) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] - 1 : end[1] - 1]
    inner = lines[start[0] : end[0] - 1]
    return "\n".join([lines[start[0] - 1][start[1] - 1 :], *inner])


def _survey(lines: Sequence[str], file: str) -> tuple[Value | None, int]:
    """What lines hold; where they cannot be read to their end, the line that breaks the rules."""
    try:
        tree, findings = survey("\n".join(lines), file)
    except GraphflowError as error:
        tree, findings = None, list(error.diagnostics)
    if tree is not None:
        return tree, 0
    marks = [found.mark.line for found in findings if found.mark is not None]
    return None, min(*marks, len(lines)) if marks else 1


def _line_entry(lines: Sequence[str], index: int) -> tuple[Entry, ...]:
    """A line that cannot be read, where it looks like an entry of ``nodes:``."""
    line = lines[index]
    head = next((text for text in reversed(lines[:index]) if text[:1].strip(" #")), "")
    named = LINE.match(line)
    if named is None or not head.startswith("nodes:"):
        return ()
    names = tuple(name.strip() for name in named[1].split(","))
    return (Entry("nodes", names, (index + 1, 1), (index + 2, 1), line),)
