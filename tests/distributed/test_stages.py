"""A step that is cut into stages computes what it did, and says what passes between them."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

import graphflow as gf
from graphflow.distributed.balance import balanced
from graphflow.distributed.stages import Stages
from graphflow.training.step_graph import step_graph

CHAIN = """
graphflow: 1
name: chain
inputs: {x: [B, 8], y: {shape: [B], dtype: int}}
nodes:
  a: relu(linear(x, 32))
  b: relu(linear(a, 4))
  c: relu(linear(b, 32))
  loss: cross_entropy(linear(c, 10), y)
train: {minimize: loss, optimizer: adam(lr=1e-2)OPTIONS}
"""


def stages(text: str, count: int, rows: int = 16) -> Stages:
    elaborated = gf.loads(text).elaborated
    step = step_graph(elaborated, elaborated.training.objectives[0], in_two=True)
    return Stages.of(step, {"B": rows}, count)


def chain(count: int) -> Stages:
    return stages(CHAIN.replace("OPTIONS", ""), count)


@pytest.mark.parametrize("seed", range(20))
def test_the_cut_is_the_best_of_all(seed):
    """All cuts of a short row: none is as even within the slack, and passes less on."""
    random = np.random.default_rng(seed)
    count, parts = 9, int(random.integers(1, 5))
    costs, sent = random.random(count), random.integers(1, 100, count + 1)
    every = [[0, *inner, count] for inner in combinations(range(1, count), parts - 1)]

    def slowest(bounds):
        return max(costs[a:b].sum() for a, b in pairwise(bounds))

    def passed(bounds):
        return sum(sent[p] for p in bounds[1:-1])

    least = min(map(slowest, every))
    found = balanced(list(costs), list(sent), parts)
    assert found in every
    assert slowest(found) <= 1.1 * least + 1e-9
    assert passed(found) == min(passed(b) for b in every if slowest(b) <= 1.1 * least - 1e-9)


def test_each_parameter_lies_in_one_stage_with_all_that_belongs_to_it():
    cut = chain(2)
    for name, stage in cut.owners.items():
        if name.startswith("optimizer.gathered."):
            assert cut.owners[name.removeprefix("optimizer.gathered.")] == stage
    assert {cut.owners[n] for n in cut.owners if n.startswith("a.")} == {0}
    assert {cut.owners[n] for n in cut.owners if n.startswith("loss.")} == {1}
    for stage, update in enumerate(cut.updates):
        assert set(update.updates) == {
            n for n, k in cut.owners.items() if k == stage and n in update.updates
        }


def test_pieces_have_each_node_once():
    cut, shared = chain(2), set[str]()
    for piece in cut.pieces:
        computed = {n.name for n in piece.graph if n.inputs and n.name in cut.concrete.nodes}
        assert computed.isdisjoint(shared)
        shared |= computed
    assert shared == {n.name for n in cut.concrete if n.inputs}


def test_what_a_piece_is_given_an_earlier_one_passes_on():
    cut = chain(3)
    for number, piece in enumerate(cut.pieces):
        came = {
            name for earlier in cut.pieces[:number] for to, names in earlier.passes.items()
            if cut.stage(to) == cut.stage(number) and to <= number for name in names
        }  # fmt: skip
        own = cut.pieces[2 * cut.count - 1 - number].graph.nodes.keys()
        assert piece.given <= came | own


def test_bytes_over_a_cut_are_those_of_the_values_that_pass():
    forward, back = chain(2).bytes_over(0)
    assert (forward, back) == (16 * 32 * 4, 16 * 32 * 4)


def test_the_bubble_shrinks_with_more_micro_batches():
    assert chain(1).bubble(8) == 0
    assert chain(2).bubble(8) == pytest.approx(1 / 9)
    assert chain(4).bubble(8) == pytest.approx(3 / 11)


@pytest.mark.parametrize(("options", "count", "said"), [
    (", clip_norm: 1.0", 2, "needs all of these at one place"),
    ("", 1000, "1000 stages need a part of forward each"),
])  # fmt: skip
def test_what_cannot_be_cut_is_said(options, count, said):
    with pytest.raises(gf.GraphflowError, match=said) as caught:
        stages(CHAIN.replace("OPTIONS", options), count)
    assert caught.value.diagnostics[0].code == "GF044"
    assert caught.value.diagnostics[0].help


def test_one_stage_may_clip_by_the_norm():
    assert stages(CHAIN.replace("OPTIONS", ", clip_norm: 1.0"), 1).count == 1
