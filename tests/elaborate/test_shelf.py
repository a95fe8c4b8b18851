"""The library is read file by file, when a block is wanted."""

from __future__ import annotations

from graphflow.library import files
from graphflow.spec.document import read_document
from graphflow.spec.elaborate.modules import Shelf
from graphflow.spec.yaml12 import read


def test_the_names_found_without_reading_are_those_of_the_files():
    found = []
    for path in files():
        tree = read(path.read_text(encoding="utf-8"), path.name)
        found += list(read_document(tree, blocks_only=True).blocks)
    assert list(Shelf(files())) == found and len(set(found)) == len(found)


def test_asking_for_a_block_reads_its_file_alone():
    shelf = Shelf(files())
    assert "softmax" in shelf and "no_such_block" not in shelf
    assert not shelf._read
    assert shelf["softmax"].inputs == ("x",)
    assert list(shelf._read) == ["activations.yaml"]
