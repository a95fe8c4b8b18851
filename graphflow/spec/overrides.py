"""Overrides: ``--set hidden=512 --set train.epochs=2`` (rule 18), and ``--set paper=true`` for
those that the file itself keeps under ``paper:``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from graphflow.data.registry import sources
from graphflow.diagnostics import Mark, did_you_mean, fail
from graphflow.spec.document import DOCUMENT
from graphflow.spec.kinds import Findings, MapOf, Record
from graphflow.spec.values import Map, Plain, Scalar, Seq, Value
from graphflow.spec.writer import dump
from graphflow.spec.yaml12 import read

SECTIONS = ("let", "inputs", "layers", "data", "train", "run", "generate", "tune", "figures")
"""The sections that an override reaches by path."""

PRESET = "paper"
"""The section of overrides that are set together, by its own name."""
_NAMED = ("let", "inputs", "layers")
_PATH = re.compile(r"[^\W\d][\w]*(\.[\w-]+)*")


def parse_assignment(text: str) -> tuple[str, str]:
    """The path and the value of ``path=value``. Raises GF025.

    >>> parse_assignment("train.optimizer=adam(lr=1e-3)")
    ('train.optimizer', 'adam(lr=1e-3)')
    """
    path, equals, value = text.partition("=")
    if not equals or not _PATH.fullmatch(path.strip()):
        mark = Mark(f"--set {text}", 1, 1)
        fail("GF025", f"'{text}' is not an override", mark, help="write --set name=value")
    return path.strip(), value.strip()


def apply(tree: Value, overrides: Mapping[str, Plain]) -> Value:
    """The tree with values set: a bare name is a constant of ``let``, a dotted path leads into
    one of :data:`SECTIONS`, where missing keys are made. ``paper: true`` sets what stands under
    ``paper:`` first; what else is set goes over it.

    A text is read as YAML, so that ``"[1, 2]"`` is a list and ``"512"`` a number. Marks of what
    was set say so (``--set hidden=512``). Raises GF020 for a name that the file does not have,
    and what reading a value finds.
    """
    if not isinstance(tree, Map):
        return tree
    findings = Findings()
    changes = {path: _given(path, written(value)) for path, value in overrides.items()}
    if PRESET in changes and tree.get(PRESET) is not None:
        for change, value in findings.attempt(partial(_preset, tree, *changes.pop(PRESET))) or ():
            tree = findings.attempt(partial(_set, tree, change, value)) or tree
    for change, text in changes.values():
        tree = findings.attempt(partial(_set, tree, change, text)) or tree
    findings.finish()
    return tree


def written(value: Plain) -> str:
    """A value as ``--set`` takes it.

    >>> written(1e-05), written([1, 2]), written("adam(lr=1e-3)")
    ('1e-05', '[1, 2]', 'adam(lr=1e-3)')
    """
    return value if isinstance(value, str) else dump(value).strip()


def _given(path: str, text: str) -> tuple[_Change, str]:
    """An override from outside of the file."""
    return _Change(path, Mark(f"--set {path}={text}", 1, 1, max(1, len(text)), text)), text


def _preset(tree: Map, change: _Change, text: str) -> list[tuple[_Change, Value]]:
    """The overrides that stand in the file, if they are asked for."""
    section = tree.get(PRESET)
    assert section is not None
    if text not in ("true", "false"):
        fail("GF013", f"'{PRESET}' is true or false, not '{text}'", change.mark)
    if not isinstance(section, Map):
        fail("GF013", f"'{PRESET}' holds overrides, as in 'size: 224'", section.mark)
    if text == "false":
        return []
    return [(_Change(key.text, key.mark), value) for key, value in section.items]


def _set(tree: Map, change: _Change, given: Value | str) -> Map:
    path = change.path
    if isinstance(given, str) and not given.strip():
        fail("GF013", f"no value is given for '{path}'", change.mark)
    value = read(given, change.mark.file) if isinstance(given, str) else given
    parts = path.split(".")
    if path == PRESET and PRESET not in _names(tree, "let"):
        fail("GF020", f"the file has no section '{PRESET}:', which --set {PRESET}=true sets",
             change.mark)  # fmt: skip
    if len(parts) == 1:
        parts = ["let", path]
        if path not in _names(tree, "let"):
            fail("GF020", f"'let' has no '{path}'", change.mark, help=_near(tree, path))
    if parts[0] not in SECTIONS:
        reach = f"an override reaches {', '.join(SECTIONS)}"
        close = did_you_mean(parts[0], SECTIONS)
        fail("GF020", f"no override reaches '{path}'", change.mark, help=close or reach)
    if len(parts) > 1 and parts[0] in _NAMED:
        names = _names(tree, parts[0])
        if parts[1] not in names:
            help = did_you_mean(parts[1], names)
            fail("GF020", f"'{parts[0]}' has no '{parts[1]}'", change.mark, help=help)
        if len(parts) > 2:
            tree = _written_out(tree, parts[0], parts[1])
    if parts == ["data", "source"]:
        tree = _of_another_source(tree, value)
    return change.entry(tree, parts, value)


def _names(tree: Map, section: str) -> list[str]:
    there = tree.get(section)
    return [key.text for key, _ in there.items] if isinstance(there, Map) else []


def _near(tree: Map, name: str) -> str | None:
    """What the bare name may have meant: a constant, or a setting of a section."""
    close = did_you_mean(name, [*_names(tree, "let"), *SECTIONS])
    settings = [s for s in SECTIONS if name in _names(tree, s) or name in _settings(s)]
    settings.sort(key=lambda s: (name not in _names(tree, s), s != "train"))
    return f"write {settings[0]}.{name}" if settings else close


def _settings(section: str) -> list[str]:
    kind = DOCUMENT.table()[section][1].kind
    return list(kind.table()) if isinstance(kind, Record) else []


def _written_out(tree: Map, section: str, name: str) -> Map:
    """``net: vgg()`` as ``net: {is: vgg()}``, so that it can hold further keys."""
    kind, there = DOCUMENT.table()[section][1].kind, tree.get(section)
    record = kind.item if isinstance(kind, MapOf) else None
    short = record.shorthand if isinstance(record, Record) else None
    if short is None or not isinstance(there, Map):
        return tree
    items = []
    for key, item in there.items:
        if key.text == name and not isinstance(item, Map):
            item = Map(((Scalar(short, short, item.mark), item),), item.mark)
        items.append((key, item))
    return _with(tree, section, items)


def _of_another_source(tree: Map, source: Value) -> Map:
    """The tree without those options of its source of data that another ``source`` has not."""
    data, known = tree.get("data"), sources()
    before = data.get("source") if isinstance(data, Map) else None
    named = [s.text for s in (before, source) if isinstance(s, Scalar) and s.text in known]
    if not isinstance(data, Map) or len(named) < 2:
        return tree
    gone = known[named[0]].options.keys() - known[named[1]].options.keys()
    return _with(tree, "data", [entry for entry in data.items if entry[0].text not in gone])


def _with(tree: Map, section: str, items: Sequence[tuple[Scalar, Value]]) -> Map:
    """The tree with other entries in a section."""
    entries = ((k, Map(tuple(items), v.mark) if k.text == section else v) for k, v in tree.items)
    return replace(tree, items=tuple(entries))


@dataclass(frozen=True, slots=True)
class _Change:
    """One override on its way down the tree."""

    path: str
    mark: Mark

    def at(self, old: Value | None, parts: list[str], value: Value) -> Value:
        """``old`` with ``value`` at the end of ``parts``."""
        if not parts:
            return value
        if isinstance(old, Seq):
            return self.item(old, parts, value)
        if isinstance(old, Scalar):
            fail("GF013", f"'{self.path}' leads into the value '{old.text}'", self.mark)
        return self.entry(old or Map((), self.mark), parts, value)

    def entry(self, old: Map, parts: list[str], value: Value) -> Map:
        name, rest = parts[0], parts[1:]
        there = old.get(name)
        if there is None:
            key = Scalar(name, name, self.mark)
            return replace(old, items=(*old.items, (key, self.at(None, rest, value))))
        items = tuple(
            (key, self.at(item, rest, value) if key.text == name else item)
            for key, item in old.items
        )
        return replace(old, items=items)

    def item(self, old: Seq, parts: list[str], value: Value) -> Seq:
        index = int(parts[0]) if parts[0].isdecimal() else len(old.items)
        if index >= len(old.items):
            fail("GF020", f"'{self.path}': the list has no item '{parts[0]}'", self.mark)
        items = list(old.items)
        items[index] = self.at(items[index], parts[1:], value)
        return replace(old, items=tuple(items))
