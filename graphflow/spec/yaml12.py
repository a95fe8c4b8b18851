"""Text to marked values: YAML 1.2 with its core schema, strict, safe and bounded.

PyYAML's parser gives a stream of events, which is read with a stack of our own: no recursion, so
that nothing in a file can exhaust Python's, and every finding of a file can be reported at once.
Refused: anchors, aliases, tags, merge keys, duplicate keys, several documents, tabs, files over
1 MB, nesting over 50.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import yaml

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, Note, fail
from graphflow.spec.values import Map, Scalar, Seq, Value
from graphflow.spec.yaml_errors import explain, unreadable_characters

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_INTEGER = 2**53

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_HEX_OR_OCTAL = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")


def read_file(path: str | PathLike[str]) -> tuple[str, Value]:
    """The text of a file and what it holds. Every failure is a GraphflowError (GF001 to GF011)."""
    text = read_text(path)
    return text, read(text, str(path))


def read_text(path: str | PathLike[str]) -> str:
    """The text of a file. Every failure is a GraphflowError (GF001, GF004)."""
    file = Path(path)
    name = str(path)
    start = Mark(name, 1, 1)
    try:
        if file.is_dir():
            fail("GF001", f"'{name}' is a folder", start, help="name a .yaml file in it")
        if not file.exists():
            fail("GF001", f"there is no file '{name}'", start,
                 help="'graphflow list' shows the canned graphs")  # fmt: skip
        if not file.is_file():
            fail("GF001", f"'{name}' is no ordinary file", start, help="name a .yaml file")
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        fail("GF001", f"'{name}' cannot be read: {reason}", start)
    return decoded(data, name)


def decoded(data: bytes, name: str) -> str:
    """The text that the bytes of a file are. Raises GF001 and GF004."""
    _check_size(len(data), name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = _byte_mark(data, error.start, name)
        fail("GF001", f"'{name}' is not UTF-8 text: byte {error.start + 1} has no meaning", mark,
             help="a graph file is text; save it as UTF-8")  # fmt: skip


def _byte_mark(data: bytes, position: int, file: str) -> Mark:
    """The place of a byte that is not text; what cannot be shown is shown as a question mark."""
    start = data.rfind(b"\n", 0, position) + 1
    end = data.find(b"\n", position)
    shown = data[start : end if end >= 0 else len(data)].decode("utf-8", "replace")
    text = "".join(c if c.isprintable() else "?" for c in shown)
    column = len(data[start:position].decode("utf-8", "replace")) + 1
    return Mark(file, data.count(b"\n", 0, position) + 1, column, 1, text)


def read(text: str, file: str = "<text>") -> Value:
    """What ``text`` holds, with marks. Raises a GraphflowError with everything found wrong.

    >>> read("lr: 1e-3").get("lr").value
    0.001
    """
    tree, findings = survey(text, file)
    if tree is None or findings:
        raise GraphflowError(*findings)
    return tree


def survey(text: str, file: str = "<text>") -> tuple[Value | None, list[Diagnostic]]:
    """What ``text`` holds, as far as it can be read, and everything found wrong, in its order.

    The value is None where the text cannot be read to its end.
    """
    _check_size(len(text), file)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    builder = _Builder(file, tuple(text.split("\n")))
    builder.findings += unreadable_characters(builder.lines, file)
    if not builder.findings:
        builder.build(text)
    if builder.root is None and not builder.findings:
        builder.find("GF002", f"'{file}' is empty", Mark(file, 1, 1), help="begin: 'graphflow: 1'")
    return builder.root, sorted(builder.findings, key=_position)


def _check_size(size: int, file: str) -> None:
    if size > MAX_BYTES:
        fail(
            "GF004",
            f"'{file}' is larger than {MAX_BYTES:,} bytes",
            Mark(file, 1, 1),
            help="large tables belong into data files, weights into .safetensors",
        )


def _position(finding: Diagnostic) -> tuple[int, int]:
    return (finding.mark.line, finding.mark.column) if finding.mark else (0, 0)


@dataclass
class _Open:
    """A collection whose end has not been reached. A mapping's items are key, value, key, ..."""

    mark: Mark
    is_map: bool
    flow: bool
    items: list[Value] = field(default_factory=list)
    plain_items: list[Scalar] = field(default_factory=list)
    keys: dict[str, Mark] = field(default_factory=dict)


class _Stop(Exception):
    """Nothing that follows in the file can be judged."""


class _Builder:
    """Reads events; keeps the open collections on ``stack`` and what is wrong in ``findings``."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.file = file
        self.lines = lines
        self.findings: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.root: Value | None = None
        self.documents = 0

    def build(self, text: str) -> None:
        try:
            for event in _events(text):
                self.handle(event)
        except _Stop:
            self.root = None
        except yaml.YAMLError as error:
            self.root = None
            self.findings.append(explain(error, self.file, self.lines))

    def handle(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.start_document(event)
        elif isinstance(event, yaml.AliasEvent):
            self.refuse(event, f"alias '*{event.anchor}'")
            self.add(Scalar(None, "", self.mark(event)))
        elif isinstance(event, yaml.ScalarEvent):
            self.check_properties(event)
            self.scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.check_properties(event)
            is_map = isinstance(event, yaml.MappingStartEvent)
            self.stack.append(_Open(self.mark(event), is_map, bool(event.flow_style)))
            if len(self.stack) > MAX_DEPTH:
                self.find("GF004", f"nesting deeper than {MAX_DEPTH} levels", self.mark(event))
                raise _Stop
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(self.stack.pop())

    def start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if event.tags:
            self.refuse(event, "tag directive")
        if self.documents > 1:
            self.find(
                "GF003",
                "a second document begins here",
                self.mark(event),
                help="a file holds one graph: remove the '---'",
            )
            raise _Stop

    def check_properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self.refuse(event, f"anchor '&{event.anchor}'")
        if event.tag is not None:
            self.refuse(event, f"tag '{event.tag}'")

    def scalar(self, event: yaml.ScalarEvent) -> None:
        mark = self.mark(event)
        is_plain = event.style is None or event.style == ""
        value: str | int | float | bool | None = event.value
        if is_plain:
            value = resolve(event.value)
            if isinstance(value, float) and value in (float("inf"), float("-inf")):
                too_large = not _INFINITY.fullmatch(event.value)
            else:
                too_large = isinstance(value, int) and abs(value) >= MAX_INTEGER
            if too_large:
                self.find("GF004", "number too large: integers end below 2^53", mark)
        made = Scalar(value, event.value, mark, self.lines)
        if self.stack and is_plain:
            self.stack[-1].plain_items.append(made)
        self.add(made)

    def add(self, value: Value) -> None:
        if not self.stack:
            self.root = value
            return
        opened = self.stack[-1]
        if opened.is_map and len(opened.items) % 2 == 0:
            self.check_key(value, opened.keys)
        opened.items.append(value)

    def close(self, opened: _Open) -> None:
        if opened.flow:
            self.check_commas(opened)
        if not opened.is_map:
            self.add(Seq(tuple(opened.items), opened.mark))
            return
        pairs = zip(opened.items[::2], opened.items[1::2], strict=True)
        entries = ((key, value) for key, value in pairs if isinstance(key, Scalar))
        self.add(Map(tuple(entries), opened.mark))

    def check_key(self, key: Value, keys: dict[str, Mark]) -> None:
        """A key is one word, and new among ``keys``, which it joins."""
        if not isinstance(key, Scalar):
            self.find("GF003", "a key must be one name, not a collection", key.mark)
        elif key.text == "<<":
            self.find("GF003", "merge keys ('<<') are not allowed", key.mark, help=_ONCE)
        elif key.text in keys:
            first = Note("first written here", keys[key.text])
            self.find("GF011", f"'{key.text}' is written twice", key.mark, notes=(first,))
        else:
            keys[key.text] = key.mark

    def check_commas(self, opened: _Open) -> None:
        """A call such as ``f(a, b)`` inside ``[ ]`` or ``{ }`` was split at its comma."""
        brackets = "{ }" if opened.is_map else "[ ]"
        for item in opened.plain_items:
            if item.text.count("(") > item.text.count(")"):
                self.find(
                    "GF002",
                    f"bracket left open: inside {brackets} a comma ends the item",
                    item.mark,
                    help=f"write one {'entry' if opened.is_map else 'item'} per line, or quote it",
                )
                return

    def refuse(self, event: yaml.NodeEvent | yaml.DocumentStartEvent, what: str) -> None:
        self.find("GF003", f"{what} is not allowed", self.mark(event), help=_ONCE)

    def find(
        self,
        code: str,
        message: str,
        mark: Mark,
        notes: tuple[Note, ...] = (),
        help: str | None = None,
    ) -> None:
        self.findings.append(Diagnostic(code, message, mark, notes, help))

    def mark(self, event: yaml.Event) -> Mark:
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return Mark(self.file, 1, 1)
        row = min(start.line, len(self.lines) - 1)
        line = self.lines[row]
        stop = end.column if end.line == start.line else len(line.rstrip())
        length = max(1, stop - start.column)
        return Mark(self.file, row + 1, start.column + 1, length, line)


_ONCE = "say a value once under 'let:', a structure once under 'blocks:'"


def _events(text: str) -> Iterator[yaml.Event]:
    """PyYAML's events: from the C parser where there is one, with the Python parser's errors."""
    if not yaml.__with_libyaml__:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
        return
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
        raise


def resolve(text: str) -> str | int | float | bool | None:
    """The meaning of an unquoted scalar under YAML 1.2's core schema.

    >>> [resolve(word) for word in ("no", "1e-3", "0x10", "0o17", "~", "-.inf", "1_000")]
    ['no', 0.001, 16, 15, None, -inf, '1_000']
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _DECIMAL.fullmatch(text):
        return int(text) if len(text) < 20 else MAX_INTEGER
    if _HEX_OR_OCTAL.fullmatch(text):
        return int(text, 0) if len(text) < 30 else MAX_INTEGER
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinity := _INFINITY.fullmatch(text):
        return float(infinity[1] + "inf")
    return float("nan") if _NAN.fullmatch(text) else text
