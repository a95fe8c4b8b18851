from __future__ import annotations

from graphflow.ops import OPS
from graphflow.spec.document import Document
from graphflow.view.editing import words


def test_every_section_of_a_file_is_offered():
    sections = dict(words().keys)[""]
    assert {"graphflow", "name", "about", "inputs", "nodes", "train", "check"} <= set(sections)
    assert len(sections) == len([f for f in Document.__dataclass_fields__ if f != "mark"])


def test_keys_stand_under_their_section():
    keys = dict(words().keys)
    assert {"minimize", "optimizer", "epochs"} <= set(keys["train"])
    assert "minimize" not in keys["data"]


def test_operators_and_blocks_of_the_library_are_told_apart():
    functions = dict(words().functions)
    assert "matmul" in functions["operator"] and "conv2d" in functions["block"]
    assert set(functions["operator"]) <= set(OPS)
