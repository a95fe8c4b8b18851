"""The library's files: every block tells what it is, and says nothing that it cannot fill in."""

from __future__ import annotations

import string
from collections import Counter

import pytest

from graphflow.library import files
from graphflow.ops.op import OPS
from graphflow.spec.load import load_document

DOCUMENTS = {f.name: load_document(f.read_text("utf-8"), f.name, blocks_only=True) for f in files()}
BLOCKS = {name: block for d in DOCUMENTS.values() for name, block in d.blocks.items()}


def test_no_name_is_taken_twice():
    names = Counter(name for d in DOCUMENTS.values() for name in d.blocks)
    assert [name for name, count in names.items() if count > 1] == []
    assert BLOCKS.keys() & OPS.keys() == set()


@pytest.mark.parametrize("file", DOCUMENTS)
def test_a_file_stays_short_and_says_what_it_holds(file):
    text = next(f for f in files() if f.name == file).read_text("utf-8")
    lines = text.splitlines()
    assert len(lines) < 400 and max(map(len, lines)) <= 100
    assert DOCUMENTS[file].about


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_explains_itself(name):
    assert len(BLOCKS[name].about) > 10


@pytest.mark.parametrize("name", BLOCKS)
def test_a_message_names_only_what_the_block_is_given(name):
    block = BLOCKS[name]
    given = {*block.inputs, *(a.name for a in block.args)}
    for requirement in block.require:
        parsed = string.Formatter().parse(requirement.message)
        assert {field for _, field, _, _ in parsed if field is not None} <= given
