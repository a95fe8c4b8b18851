"""The JSON Schema agrees with the reader about the examples and about every key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graphflow.spec.document import DOCUMENT
from graphflow.spec.json_schema import schema
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read, read_file

jsonschema = pytest.importorskip("jsonschema")
EXAMPLES = Path(__file__).parent.parent / "examples"


def errors(path: Path) -> list[object]:
    validator = jsonschema.Draft202012Validator(schema(["linear", "relu"]))
    return list(validator.iter_errors(plain(read_file(path)[1])))


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (v for k, v in value.items() if k == "$ref")
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_it_is_a_schema_and_whole():
    made = schema(["linear"])
    jsonschema.Draft202012Validator.check_schema(made)
    defs = made["$defs"]
    assert isinstance(defs, dict)
    named = {ref.removeprefix("#/$defs/") for ref in references(made)} - {"#"}
    assert named == set(defs)
    assert defs["call"] == {"anyOf": [{"enum": ["linear"]}, {"type": "string"}]}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_is_valid(path: Path):
    assert errors(path) == []


@pytest.mark.parametrize("name", ["1_key", "11_key"])
def test_unknown_keys_are_not(name: str):
    assert errors(EXAMPLES / "bad" / f"{name}.yaml")


def test_its_sections_are_the_readers():
    defs = schema()["$defs"]
    assert isinstance(defs, dict)
    document = defs["Document"]
    assert isinstance(document, dict)
    assert document["required"] == ["graphflow", "name"]
    assert isinstance(document["properties"], dict)
    assert list(document["properties"]) == list(DOCUMENT.table())
    assert all("description" in p for p in document["properties"].values())


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("nodes: {y: x}", True),
        ("blocks: {f: {nodes: {y: x}, outputs: [y]}}", True),
        ("let: {a: 1}", False),
        ("nodes: {y: {is: x, shape: [B, 2]}}", True),
        ("nodes: {y: {is: x, shpe: [B, 2]}}", False),
        ("nodes: {y: {cond: a, then: b, else: {nodes: {z: b}, out: z}}}", True),
        ("nodes: {y: {from: a, through: [{repeat: {i: 2}, through: [f]}]}}", True),
        ("nodes: {y: {from: a, through: [{repeat: 2, for: {i: [1]}, through: [f]}]}}", False),
        ("nodes: {y: {from: a, through: [{through: [f]}]}}", False),
        ("nodes: {y: x}\ndata: {source: digits, anything: 3}", True),
        ("nodes: {y: x}\ntrain: {minimize: y, players: {}}", False),
        ("nodes: {y: x}\nlayers: {D: f(), E: {is: f(), weights: null}}", True),
        ("nodes: {y: x}\ncheck: [{tolerance: 1e-3, expect: {y: [1, 2]}}]", True),
    ],
)
def test_what_it_accepts(text: str, valid: bool):
    data = plain(read(f"graphflow: 1\nname: t\n{text}"))
    assert jsonschema.Draft202012Validator(schema()).is_valid(data) is valid
