"""Kinds of values in a document: how each is read, and its JSON Schema, said once.

A field of a document's dataclass carries a :class:`Key` made by :func:`key`: under which YAML key
it stands, its kind, and what it means. :class:`Record` reads a mapping by this table and writes
the schema from it, so that reader, editor and documentation cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import partial
from typing import ClassVar, Generic, NoReturn, Protocol, TypeVar

from graphflow.diagnostics import Diagnostic, GraphflowError, Mark, did_you_mean, fail
from graphflow.spec.values import Map, Plain, Scalar, Seq, Value

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Schema = dict[str, Plain]


class Kind(Protocol[T_co]):
    """A kind of value. ``mark`` is where the value is declared: its key, where it has one."""

    def read(self, value: Value, mark: Mark) -> T_co:
        """The value read, or a GraphflowError with everything wrong in it."""

    def schema(self, defs: Schema) -> Schema:
        """The JSON Schema; named parts are put into ``defs``."""


class Declaration(Protocol):
    """A frozen dataclass whose fields carry keys, with a ``mark``."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]


@dataclass(frozen=True, slots=True)
class Key:
    """What a field's metadata holds. Several ``names`` share one field as a mapping; with
    ``rest`` the field takes every key that no other has.
    """

    names: tuple[str, ...]
    kind: Kind[object]
    about: str
    rest: bool = False


def key(
    name: str | Sequence[str], kind: Kind[object], about: str, rest: bool = False
) -> dict[str, Key]:
    """Metadata for a dataclass field: ``field(metadata=key("let", EXPRESSIONS, "..."))``."""
    names = (name,) if isinstance(name, str) else tuple(name)
    return {"key": Key(names, kind, about, rest)}


class Findings:
    """Everything wrong in one collection: each part is read, whatever the others do."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What ``read`` gives, or None after noting what it found."""
        try:
            return read()
        except GraphflowError as error:
            self.found += error.diagnostics
            return None

    def finish(self) -> None:
        """Raises all findings, the deepest of each branch first."""
        if self.found:
            raise GraphflowError(*self.found)


@dataclass(frozen=True, slots=True)
class Leaf(Generic[T]):
    """A kind read by one function."""

    function: Callable[[Value], T]
    json: Schema
    name: str | None = None

    def read(self, value: Value, mark: Mark) -> T:
        return self.function(value)

    def schema(self, defs: Schema) -> Schema:
        if self.name is None:
            return dict(self.json)
        defs.setdefault(self.name, self.json)
        return {"$ref": f"#/$defs/{self.name}"}


class Items(tuple[T, ...]):
    """The items of a list; ``marks`` says where each is written."""

    marks: tuple[Mark, ...] = ()


def marked(items: Sequence[T], otherwise: Mark) -> list[tuple[T, Mark]]:
    """Each item of a list, and where it is written, if that is known."""
    marks = items.marks if isinstance(items, Items) else [otherwise] * len(items)
    return list(zip(items, marks, strict=True))


@dataclass(frozen=True, slots=True)
class ListOf(Generic[T]):
    """A list whose items are of one kind."""

    item: Kind[T]
    what: str

    def read(self, value: Value, mark: Mark) -> tuple[T, ...]:
        if not isinstance(value, Seq):
            wrong(value, f"a list of {self.what}")
        findings = Findings()
        read = [findings.attempt(partial(self.item.read, item, item.mark)) for item in value.items]
        findings.finish()
        items = Items(item for item in read if item is not None)
        items.marks = tuple(item.mark for item in value.items)
        return items

    def schema(self, defs: Schema) -> Schema:
        return {"type": "array", "items": self.item.schema(defs)}


class Entries(dict[str, T]):
    """The entries of a mapping by name; ``marks`` says where each is written."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, Mark] = {}


def mark_of(entries: Mapping[str, object], name: str, otherwise: Mark) -> Mark:
    """Where an entry of a mapping is written, if that is known."""
    return entries.marks.get(name, otherwise) if isinstance(entries, Entries) else otherwise


@dataclass(frozen=True, slots=True)
class MapOf(Generic[T]):
    """A mapping whose values are of one kind and whose keys ``name`` checks."""

    item: Kind[T]
    name: Callable[[Scalar], str]
    what: str

    def read(self, value: Value, mark: Mark) -> Mapping[str, T]:
        if not isinstance(value, Map):
            wrong(value, f"a mapping of {self.what}")
        findings = Findings()
        read = Entries[T]()
        for key, item in value.items:
            name = findings.attempt(partial(self.name, key))
            made = findings.attempt(partial(self.item.read, item, key.mark))
            if name is not None and made is not None:
                read[name] = made
                read.marks[name] = key.mark
        findings.finish()
        return read

    def schema(self, defs: Schema) -> Schema:
        return {"type": "object", "additionalProperties": self.item.schema(defs)}


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """A mapping read into a dataclass by its fields' keys.

    A value that is no mapping is read as the field ``shorthand``. Of each group in ``one_of``
    exactly one key must be there. ``check`` judges the whole.
    """

    cls: type[T]
    what: str
    shorthand: str | None = None
    one_of: tuple[str, ...] = ()
    check: Callable[[T], None] | None = None

    def read(self, value: Value, mark: Mark) -> T:
        if not isinstance(value, Map):
            return self._short(value, mark)
        findings, given, unknown = Findings(), _Given(self.table()), []
        for name, item in value.items:
            entry = given.table.get(name.text)
            if entry is None:
                unknown.append(name)
            else:
                findings.attempt(partial(given.add, name, item, entry))
        rest = self._rest()
        if rest is not None:
            further = [(name, item) for name, item in value.items if name in unknown]
            given.values[rest.name] = self._further(rest, further, findings)
        else:
            findings.found += [self._unknown(name) for name in unknown]
        findings.found += self._missing(value, [name.text for name in unknown], mark)
        findings.finish()
        made = self.cls(**{**given.values, "mark": mark})
        if self.check is not None:
            self.check(made)
        return made

    def table(self) -> dict[str, tuple[str, Key]]:
        """YAML key to field name and Key, in the order of the fields."""
        return {
            name: (field.name, key)
            for field, key in keyed(self.cls)
            if not key.rest
            for name in key.names
        }

    def schema(self, defs: Schema) -> Schema:
        name = self.cls.__name__
        if name not in defs:
            defs[name] = {}
            defs[name] = self._schema(defs)
        return {"$ref": f"#/$defs/{name}"}

    def _schema(self, defs: Schema) -> Schema:
        properties, rest = Schema(), self._rest()
        for name, (_, key) in self.table().items():
            properties[name] = {**key.kind.schema(defs), "description": key.about}
        made: Schema = {
            "type": "object",
            "properties": properties,
            "required": list[Plain](required(self.cls)),
            "additionalProperties": rest.metadata["key"].kind.schema(defs) if rest else False,
        }
        if self.one_of:
            made["oneOf"] = [{"required": [name]} for name in self.one_of]
        if self.shorthand is None:
            return made
        return {"anyOf": [self.table()[self.shorthand][1].kind.schema(defs), made]}

    def _short(self, value: Value, mark: Mark) -> T:
        if self.shorthand is None:
            wrong(value, f"a mapping for {self.what}")
        field, key = self.table()[self.shorthand]
        return self.cls(**{field: key.kind.read(value, mark), "mark": mark})

    def _rest(self) -> Field[object] | None:
        return next((field for field, key in keyed(self.cls) if key.rest), None)

    def _further(
        self, rest: Field[object], items: Sequence[tuple[Scalar, Value]], findings: Findings
    ) -> Entries[object]:
        """The keys that no other field has, each with its place."""
        kind: Kind[object] = rest.metadata["key"].kind
        read = Entries[object]()
        for name, item in items:
            read[name.text] = findings.attempt(partial(kind.read, item, name.mark))
            read.marks[name.text] = name.mark
        return read

    def _unknown(self, name: Scalar) -> Diagnostic:
        table = self.table()
        help = did_you_mean(name.text, table) or f"its keys are {', '.join(table)}"
        return Diagnostic("GF010", f"{self.what} has no key '{name.text}'", name.mark, help=help)

    def _missing(self, value: Map, unknown: list[str], mark: Mark) -> list[Diagnostic]:
        """What is not there, unless an unknown key looks like a slip for it."""
        found = []
        for name in required(self.cls):
            slips = [word for word in unknown if did_you_mean(word, [name])]
            if value.get(name) is None and (not slips or self._rest()):
                message = f"{self.what} needs the key '{name}'"
                about = f"{name}: {self.table()[name][1].about}"
                help = f"is it meant by '{slips[0]}'?" if slips else about
                found.append(Diagnostic("GF012", message, mark, help=help))
        there = [name for name in self.one_of if value.get(name) is not None]
        meant = any(did_you_mean(word, self.one_of) for word in unknown)
        names = " or ".join(f"'{name}'" for name in self.one_of)
        if self.one_of and not there and not meant:
            found.append(Diagnostic("GF012", f"{self.what} needs the key {names}", mark))
        if len(there) > 1:
            place = next(k.mark for k, _ in value.items if k.text == there[1])
            message = f"{self.what} has only one of the keys {names}"
            found.append(Diagnostic("GF010", message, place))
        return found


@dataclass(frozen=True, slots=True)
class Tagged(Generic[T]):
    """A mapping whose key ``tag`` says which of several records it is."""

    tag: str
    records: Mapping[str, Record[T]]
    what: str

    def read(self, value: Value, mark: Mark) -> T:
        if not isinstance(value, Map):
            wrong(value, f"a mapping for {self.what}")
        kind = value.get(self.tag)
        if kind is None:
            help = f"one of {', '.join(self.records)}"
            fail("GF012", f"{self.what} needs the key '{self.tag}'", mark, help=help)
        if not isinstance(kind, Scalar) or kind.text not in self.records:
            text = kind.text if isinstance(kind, Scalar) else ""
            help = did_you_mean(text, self.records) or f"one of {', '.join(self.records)}"
            fail("GF013", f"there is no {self.tag} '{text}'", kind.mark, help=help)
        rest = tuple((name, item) for name, item in value.items if name.text != self.tag)
        return self.records[kind.text].read(replace(value, items=rest), mark)

    def schema(self, defs: Schema) -> Schema:
        return {
            "type": "object",
            "required": [self.tag],
            "oneOf": [self._tagged(name, record, defs) for name, record in self.records.items()],
        }

    def _tagged(self, name: str, record: Record[T], defs: Schema) -> Schema:
        """The record's own schema, with the tag among its keys."""
        record.schema(defs)
        own = defs[record.cls.__name__]
        assert isinstance(own, dict) and isinstance(own["properties"], dict)
        own["properties"] = {self.tag: {"const": name}, **own["properties"]}
        return {"$ref": f"#/$defs/{record.cls.__name__}"}


class _Given:
    """The values read so far, by field."""

    def __init__(self, table: dict[str, tuple[str, Key]]) -> None:
        self.table = table
        self.values: dict[str, object] = {}

    def add(self, name: Scalar, value: Value, entry: tuple[str, Key]) -> None:
        field, key = entry
        read = key.kind.read(value, name.mark)
        if len(key.names) == 1:
            self.values[field] = read
        else:
            shared = self.values.setdefault(field, {})
            assert isinstance(shared, dict)
            shared[name.text] = read


def keyed(cls: type) -> list[tuple[Field[object], Key]]:
    """The fields of a declaration that stand in the file."""
    return [(field, field.metadata["key"]) for field in fields(cls) if "key" in field.metadata]


def required(cls: type) -> list[str]:
    """The YAML keys that a declaration cannot do without."""
    return [
        key.names[0]
        for field, key in keyed(cls)
        if field.default is MISSING and field.default_factory is MISSING
    ]


def wrong(value: Value, expected: str) -> NoReturn:
    """Raises GF013: another kind of value is expected."""
    found = "a list" if isinstance(value, Seq) else "a mapping"
    if isinstance(value, Scalar):
        found = "nothing" if value.value is None else f"'{value.text}'"
    fail("GF013", f"{expected} is expected here, not {found}", value.mark)
