"""``scale_lr``: learning rates that follow the rows of an update."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

THREE = """
graphflow: 1
name: three numbers
inputs: {x: [B]}
params:
  a: {shape: scalar, init: '2.0'}
  b: {shape: scalar, init: '2.0'}
  c: {shape: scalar, init: '2.0'}
nodes: {loss: mean(x) * (a + b + c)}
data: {source: digits, feed: {x: label}, batch: 64}
train:
  minimize: loss
"""


def rates(train: str, steps: int = 1, text: str = THREE) -> list[list[float]]:
    """By how much a, b and c fall in each step; every gradient is 1."""
    model = gf.loads(text + "".join(f"  {line}\n" for line in train.strip().splitlines()))
    trainer, found = model.trainer(dtype="float64"), []
    for _ in range(steps):
        before = [float(model.parameters[name]) for name in "abc"]
        trainer.step({"x": np.ones(64)})
        now = [float(model.parameters[name]) for name in "abc"]
        found.append([old - new for old, new in zip(before, now, strict=True)])
    return found


def refused(train: str, text: str = THREE) -> gf.diagnostics.Diagnostic:
    with pytest.raises(gf.GraphflowError) as caught:
        rates(train, text=text)
    return caught.value.diagnostics[0]


@pytest.mark.parametrize(("rule", "base", "factor"), [
    ("linear", 16, 4), ("sqrt", 16, 2), ("linear", 64, 1), ("linear", 256, 0.25),
])  # fmt: skip
def test_rates_follow_the_rows_of_a_batch(rule: str, base: int, factor: float):
    train = f"optimizer: sgd(lr=0.1)\nscale_lr: {{rule: {rule}, base_batch: {base}}}"
    assert rates(train)[0] == pytest.approx([0.1 * factor] * 3)


@pytest.mark.parametrize("own", [
    "let: {warmup: 2}",
    "blocks: {warmup: {args: [v], inputs: [], nodes: {y: v * 0}, outputs: [y]}}",
])  # fmt: skip
def test_a_file_may_call_something_else_warmup(own: str):
    text = THREE.replace("params:", f"{own}\nparams:", 1)
    train = "optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 16, warmup: 2}"
    assert rates(train, 3, text) == rates(train, 3)


def test_the_rule_is_linear_unless_it_is_said():
    train = "optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 16}"
    assert rates(train)[0] == pytest.approx([0.4] * 3)


def test_rows_that_several_batches_add_to_an_update_count():
    """Two batches of 64 rows make an update: 128 rows for 16."""
    train = "optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 16}\naccumulate: 2"
    assert [fallen[0] for fallen in rates(train, 2)] == pytest.approx([0, 0.8])


def test_rates_of_groups_and_schedules_are_scaled():
    """0.1, halved at each update; b has twice that, c a rate of its own."""
    found = rates("""
optimizer: 'sgd(step_lr(0.1, 1, 0.5))'
groups: [{params: [b], lr_scale: 2}, {params: [c], lr: 0.05}]
scale_lr: {base_batch: 16}
""", 2)  # fmt: skip
    assert found[0] == pytest.approx([0.4, 0.8, 0.2])
    assert found[1] == pytest.approx([0.2, 0.4, 0.2])


def test_a_warmup_rises_from_the_rate_that_is_written_to_the_scaled_one():
    """Goyal et al. 2017, 2.2: a straight line from 0.1 to 0.4 in three updates."""
    found = rates("optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 16, warmup: 3}", 5)
    assert [fallen[0] for fallen in found] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])


def test_smaller_rates_need_no_warmup():
    found = rates("optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 128, warmup: 3}", 2)
    assert [fallen[0] for fallen in found] == pytest.approx([0.05, 0.05])


def test_an_optimizer_without_a_rate_is_refused():
    own = THREE.replace("nodes:", """blocks:
  step_down:
    inputs: [parameter, gradient]
    updates: {parameter: parameter - gradient}
nodes:""")
    found = refused("optimizer: step_down()\nscale_lr: {base_batch: 16}", own)
    assert (found.code, found.message) == ("GF042", "'step_down' has no learning rate 'lr'")


def test_what_does_not_fit_is_refused_at_its_place():
    zero = refused("optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 0}")
    assert (zero.code, zero.mark.line) == ("GF033", 14)
    rule = refused("optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 16, rule: cubic}")
    assert rule.mark.line == 14
    lacking = refused("optimizer: sgd(lr=0.1)\nscale_lr: {rule: sqrt}")
    assert (lacking.code, "base_batch" in lacking.message) == ("GF012", True)


def test_without_data_nobody_knows_how_large_a_batch_is():
    text = THREE.replace("data: {source: digits, feed: {x: label}, batch: 64}\n", "")
    found = refused("optimizer: sgd(lr=0.1)\nscale_lr: {base_batch: 16}", text)
    assert (found.code, found.mark.line) == ("GF012", 13)
    assert "B / 256" in found.help


def test_the_long_form_keeps_the_setting():
    model = gf.loads(THREE + "  optimizer: sgd(lr=0.1)\n  scale_lr: {base_batch: 16, rule: sqrt}\n")
    again = gf.loads(model.expanded())
    assert again.elaborated.training.scale == model.elaborated.training.scale
    assert again.elaborated.training.scale.factor == 2


def test_a_search_for_a_rate_tries_what_a_file_would_write():
    """The rate 0.01 of a search is multiplied, as one in the file would be, from the start."""
    text = THREE + "  optimizer: sgd(lr=9)\n  scale_lr: {base_batch: 16, warmup: 10}\n"
    model = gf.loads(text)
    trainer = gf.Trainer(
        model.elaborated.with_rate("0.01"), model.store, model.initialiser,
    )  # fmt: skip
    trainer.step({"x": np.ones(64)})
    assert float(model.parameters["a"]) == pytest.approx(2 - 0.04)
