"""The library's files: every block tells what it is, and says nothing that it cannot fill in."""

from __future__ import annotations

import re
import string
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from graphflow.library import files
from graphflow.ops.op import OPS
from graphflow.spec.document import BlockDecl
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
    given = {"block", *block.inputs, *(a.name for a in block.args)}
    for requirement in block.require:
        parsed = string.Formatter().parse(requirement.message)
        assert {field for _, field, _, _ in parsed if field is not None} <= given


WORDS = r"\b(?:one|two|three|four|axis|axes)\b"
NUMBERS = re.compile(rf"\d+|{WORDS}|\(N, C(?:, [DHWL])+\)|(?:, NoneLiteral\(\))+")


def without_numbers(block: BlockDecl) -> str:
    """What a block does and says, with a mark for digits, number words, layouts, added axes."""
    return NUMBERS.sub("#", repr(replace(block, about="", example=None)))


def test_no_two_blocks_differ_only_in_numbers():
    """What several blocks share is a block of its own, and they hand it their numbers.

    Bare formulas of a line, such as log2 and log10, have nothing to share.
    """
    alike = defaultdict(list)
    for name, block in BLOCKS.items():
        if len(block.nodes) > 1 or block.params or block.require:
            alike[without_numbers(block)].append(name)
    assert [names for names in alike.values() if len(names) > 1] == []


def test_blocks_that_differ_only_in_numbers_are_found():
    text = """
graphflow: 1
name: Pools
blocks:
  pool1d:
    about: One axis.
    inputs: [x]
    require: [{that: ndim(x) == 3, else: "pool1d pools one axis of (N, C, L), not {x}"}]
    nodes: {y: "max_pool(x, 2) + ones([3])[:, None]"}
    outputs: [y]
  pool2d:
    about: Two axes.
    inputs: [x]
    require: [{that: ndim(x) == 4, else: "pool2d pools two axes of (N, C, H, W), not {x}"}]
    nodes: {y: "max_pool(x, 3) + ones([3])[:, None, None]"}
    outputs: [y]
"""
    one, two = load_document(text, "pools.yaml", blocks_only=True).blocks.values()
    assert without_numbers(one) == without_numbers(two)
