"""Words that an editor offers: keys by section, operators, layers and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from graphflow.api import loads
from graphflow.ops import OPS
from graphflow.spec.json_schema import schema
from graphflow.spec.values import Plain


@dataclass(frozen=True)
class Words:
    """``keys`` are those of each section, with those of the file under the empty name;
    ``functions`` are all that expressions can call, by what they are.
    """

    keys: tuple[tuple[str, tuple[str, ...]], ...]
    functions: tuple[tuple[str, tuple[str, ...]], ...]


@cache
def words() -> Words:
    """The words of the format, from its schema, and the functions of the library.

    >>> dict(words().keys)["data"][:3]
    ('source', 'feed', 'transforms')
    """
    functions = loads("{graphflow: 1, name: empty, nodes: {y: 0}}").elaborated.functions
    form = schema(functions)
    definitions = form["$defs"]
    assert isinstance(definitions, dict)
    document = definitions["Document"]
    assert isinstance(document, dict)
    sections = document["properties"]
    assert isinstance(sections, dict)
    keys = {name: tuple(_keys(value, definitions)) for name, value in sections.items()}
    found = {"": tuple(sections), **{name: inner for name, inner in keys.items() if inner}}
    operators = tuple(sorted(name for name in functions if name in OPS))
    blocks = tuple(sorted(name for name in functions if name not in OPS))
    return Words(tuple(found.items()), (("operator", operators), ("block", blocks)))


def _keys(form: Plain, definitions: dict[str, Plain]) -> list[str]:
    """The keys that a part of a schema knows, at any depth, each once."""
    return list(dict.fromkeys(_all_keys(form, definitions, frozenset())))


def _all_keys(form: Plain, definitions: dict[str, Plain], seen: frozenset[str]) -> Iterator[str]:
    if isinstance(form, list):
        for part in form:
            yield from _all_keys(part, definitions, seen)
    if not isinstance(form, dict):
        return
    name = str(form.get("$ref", "")).removeprefix("#/$defs/")
    if name in definitions and name not in seen:
        yield from _all_keys(definitions[name], definitions, seen | {name})
    properties = form.get("properties")
    if isinstance(properties, dict):
        yield from properties
        for part in properties.values():
            yield from _all_keys(part, definitions, seen)
    for key in ("anyOf", "items", "additionalProperties"):
        yield from _all_keys(form.get(key), definitions, seen)
