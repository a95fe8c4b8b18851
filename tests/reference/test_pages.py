"""Every operator and block has a page, made from what it is; the written pages are these."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphflow.ops import OPS
from graphflow.reference import all_names, markdown, page_of
from graphflow.reference.derivative import derivative
from graphflow.reference.example import shown
from graphflow.reference.render import documents
from graphflow.spec.elaborate import library_module
from graphflow.spec.elaborate.modules import called_functions

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGES = documents()
BLOCKS = library_module().blocks
PARTS = frozenset().union(*(called_functions(block.nodes) for block in BLOCKS.values()))
OF_INSTANCES = {"greedy_translation"}
"""Blocks that are handed an instance, which no expression makes: graphs show them."""
SHOWN = sorted(
    name for name, block in BLOCKS.items() if name not in PARTS | OF_INSTANCES or block.example
)
"""Blocks with an example; a part of other blocks may do without."""


def part(name: str, title: str) -> str:
    page = page_of(name)
    assert page is not None
    return next((p.text for p in page.parts if p.title == title), "")


def test_there_is_a_page_for_everything_a_file_may_call():
    callable_ops = {n for n, op in OPS.items() if op.arguments} - {"gradients", "while_loop"}
    assert callable_ops | set(BLOCKS) <= set(all_names())
    assert page_of("no such thing") is None


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_written_page_is_what_would_be_written(name: str):
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name], (
        "python -m graphflow.reference docs/reference"
    )


def test_no_page_is_left_of_what_is_gone():
    assert {path.name for path in FOLDER.glob("*.md")} == set(PAGES)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("sin", "grad x = g * cos(x)"),
        ("div", "grad x = g / y\ngrad y = -(g / y * out)"),
        (
            "matmul",
            "grad x = g @ transpose(y, axes=[1, 0])\ngrad y = transpose(x, axes=[1, 0]) @ g",
        ),
        ("tanh", "grad x = g * (1 - out * out)"),
    ],
)
def test_the_derivative_is_the_textbook_one(name: str, rule: str):
    assert derivative(OPS[name]) == rule


@pytest.mark.parametrize(
    ("name", "example", "gives"),
    [
        ("gradient", None, "[2, 4, 6]"),
        ("hessian", None, "[[6, 0, 0], [0, 12, 0], [0, 0, 18]]"),
        ("scan", None, "[1, 3, 6]\n6"),
        ("while", None, "1.414"),
        ("sgd", None, None),
        ("step_lr", None, None),
    ],
)
def test_examples_are_run(name: str, example: str | None, gives: str | None):
    result = part(name, "gives")
    assert result
    assert gives is None or result == gives


@pytest.mark.parametrize("name", SHOWN)
def test_every_block_shows_an_example(name: str):
    assert part(name, "Example") and part(name, "gives"), "give it 'example:'"


def test_a_block_is_shown_as_it_is_defined():
    assert part("relu6", "Definition").startswith("relu6:\n  inputs: [x]\n  nodes:\n")
    assert "about" not in part("relu6", "Definition")


def test_parameters_that_are_many_are_shown_by_their_own_names():
    rows = part("lstm", "Parameters")
    assert "`weight_ih_l{layer}{way}`" in rows and "for layer in range(num_layers)" in rows


def test_numbers_are_shown_short():
    assert shown(np.array([True, False])) == "[true, false]"
    assert shown(np.array(1 / 3)) == "0.3333"
    assert shown(np.zeros((5, 6))) == "shape [5, 6]"


def test_a_page_is_markdown():
    page = page_of("relu")
    assert page is not None
    lines = markdown(page).splitlines()
    assert lines[0] == "## relu" and lines[2].startswith("`relu(")
