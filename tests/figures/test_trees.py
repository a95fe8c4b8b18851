"""A beam's tree: what was considered at each step, and where it stands on the page."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as gf
from graphflow.figures import Branch, Labels, Tree, draw
from graphflow.figures.gather import Material, describe

TABLE = """
graphflow: 1
name: two letters by a table
inputs: {letters: {shape: [B, T], dtype: int}}
params: {p: {shape: [3, 3], init: '[[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.4, 0.5, 0.1]]'}}
nodes: {logits: 'log(take(p, letters, axis=0))'}
outputs: [logits]
generate: {logits: logits, token: letters, prompt: '2', length: 2%s}
figures: {f: {kind: tree, %s}}
"""


def described(figure: str, strategy: str = ""):
    model = gf.loads(TABLE % (strategy, figure))
    return describe("f", model.document.figures["f"], Material(model))


def test_a_tree_has_what_a_beam_considered_with_its_probability() -> None:
    tree = described("width: 1, count: 3, names: [a, b, c]")
    assert [b.text.split()[0] for b in tree.branches] == list("bac" + "acb")
    assert [b.parent for b in tree.branches] == [-1, -1, -1, 0, 0, 0]
    assert [b.kind for b in tree.branches] == ["best", *["dropped"] * 2] * 2
    log_p = [float(b.text.split()[1]) for b in tree.branches]
    expected = np.log([0.5, 0.4, 0.1, 0.5 * 0.5, 0.5 * 0.3, 0.5 * 0.2])
    np.testing.assert_allclose(log_p, expected, atol=0.006)
    ends = {i: float(b.end) for i, b in enumerate(tree.branches) if b.end}
    assert ends == {3: pytest.approx(math.log(0.25) / 2**0.75, abs=6e-4)}


def test_a_tree_takes_the_beam_of_the_file_and_shows_as_many_dropped_as_kept() -> None:
    tree = described("title: t", ", strategy: 'beam(2, length_penalty=0)'")
    kinds = [b.kind for b in tree.branches]
    assert (kinds.count("dropped"), len(kinds)) == (1 + 2, 3 + 4)
    assert "L^0" in tree.labels.note


def test_a_tree_without_a_beam_or_with_too_few_names_is_refused() -> None:
    with pytest.raises(gf.GraphflowError, match="a tree needs the key 'width'"):
        described("title: t")
    with pytest.raises(gf.GraphflowError, match="1 names, but there is a token 1"):
        described("width: 1, names: [a]")


def test_ends_lie_below_each_other_and_parents_amid_their_children() -> None:
    branches = [Branch(-1, "<a>", kind="best"), Branch(-1, "b", kind="dropped"),
                Branch(0, "c"), Branch(0, "d", kind="best", end="-1")]  # fmt: skip
    made = draw(Tree(branches, Labels("t")))
    lines = {trace.name: trace for trace in made.data if trace.mode == "lines"}
    assert lines["dropped"].x == (0, 0, 1, None) and lines["dropped"].y == (2, 2, 2, None)
    assert lines["best"].y == (0.5, 0.5, 0.5, None, 0.5, 1, 1, None)
    assert lines["kept"].x == (1, 1, 2, None)
    words = [word for trace in made.data if trace.mode == "text" for word in trace.text]
    assert words == ["b", "c", "&lt;a&gt;", "d", "-1"]
    assert len(draw(Tree([])).data) == 7
