"""Sections are moved, and nothing else: ``graphflow fmt``."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.gallery import list_graphs
from graphflow.spec.ordering import ORDER, in_order
from graphflow.spec.values import plain
from graphflow.spec.yaml12 import read

MIXED = """\
# yaml-language-server: $schema=graphflow-1.schema.json

nodes:
  # what is computed
  y: x * k   # a product

  # a last word on nodes

# sizes and rates
# of this file
let: {k: 2}
name: "mixed: up"
about: >-
  Several
  lines.
graphflow: 1


inputs:
  x: scalar
"""
ORDERED = """\
# yaml-language-server: $schema=graphflow-1.schema.json

graphflow: 1
name: "mixed: up"
about: >-
  Several
  lines.

# sizes and rates
# of this file
let: {k: 2}


inputs:
  x: scalar

nodes:
  # what is computed
  y: x * k   # a product

  # a last word on nodes
"""


def test_sections_come_in_reading_order_with_their_comments():
    assert in_order(MIXED) == ORDERED
    assert in_order(MIXED.replace("\n", "\r\n")) == ORDERED.replace("\n", "\r\n")


@pytest.mark.parametrize("path", [entry.path for entry in list_graphs()], ids=lambda p: p.stem)
def test_canned_graphs_mean_the_same_in_order(path: Path):
    text = path.read_text(encoding="utf-8")
    found = in_order(text, path.name)
    keys = [key.text for key, _ in read(found).items]
    assert keys == sorted(keys, key=ORDER.index)
    assert plain(read(found)) == plain(read(text)) and in_order(found) == found
    assert sorted(found.split()) == sorted(text.split())


def test_what_is_in_order_stays_to_the_byte():
    text = ORDERED + "\n\n# the end"
    assert in_order(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{name: a, graphflow: 1, nodes: {y: 1}}", "does not begin at the margin"),
        ("nodes: {y: 1}\nabout: |+\n  a\n\nname: a\ngraphflow: 1\n", "another meaning"),
        ("name: a\ngraphflow: 1\nnods: {}\n", "did you mean 'nodes'"),
    ],
)
def test_what_cannot_be_moved_is_refused(text: str, words: str):
    with pytest.raises(GraphflowError) as refused:
        in_order(text)
    (found,) = refused.value.diagnostics
    assert words in found.render()
