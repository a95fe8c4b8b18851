"""Parameter groups: who updates what, and with which arguments."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from tests.training.small_net import started, trained, weights

THREE = """
graphflow: 1
name: three numbers
inputs: {x: scalar}
params:
  a: {shape: scalar, init: '2.0'}
  b: {shape: scalar, init: '2.0'}
  c: {shape: scalar, init: '2.0'}
nodes: {loss: x * (a + b + c)}
train:
  minimize: loss
"""


def after(train: str, steps: int = 1) -> list[float]:
    """a, b and c after steps in which every gradient is 1."""
    model = gf.loads(THREE + "".join(f"  {line}\n" for line in train.strip().splitlines()))
    trainer = model.trainer(dtype="float64")
    for _ in range(steps):
        trainer.step({"x": 1.0})
    return [float(model.parameters[name]) for name in "abc"]


def refused(train: str, text: str = THREE) -> gf.diagnostics.Diagnostic:
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(text + "".join(f"  {line}\n" for line in train.strip().splitlines()))
    (found,) = caught.value.diagnostics
    return found


def test_a_group_multiplies_the_rate_of_the_others():
    assert after("""
optimizer: sgd(lr=0.1)
groups: [{params: [b], lr_scale: 10}, {params: [c], lr_scale: 0.1}]
""") == pytest.approx([1.9, 1.0, 1.99])


def test_a_factor_multiplies_a_schedule_and_a_default():
    """step_lr(0.1, 1, 0.5): 0.1, then 0.05; sgd() has the rate 1e-3."""
    found = after("optimizer: 'sgd(step_lr(0.1, 1, 0.5))'\ngroups: [{params: [b], lr_scale: 2}]", 2)
    assert found == pytest.approx([1.85, 1.7, 1.85])
    found = after("optimizer: sgd()\ngroups: [{params: [b], lr_scale: 2}]")
    assert found == pytest.approx([1.999, 1.998, 1.999])


def test_a_group_sets_any_argument_of_the_optimizer():
    """Decay adds 0.5 * 2 to the gradient 1; momentum adds 0.9 of the last step."""
    found = after("""
optimizer: sgd(lr=0.1, weight_decay=0.5)
groups: [{params: [b], weight_decay: 0}, {params: [c], weight_decay: none, momentum: 0.9}]
""")
    assert found == pytest.approx([1.8, 1.9, 1.9])
    found = after("optimizer: sgd(0.1)\ngroups: [{params: [c], momentum: 0.9}]", 2)
    assert found == pytest.approx([1.8, 1.8, 1.71])


def test_an_argument_of_a_group_is_one_of_its_own_optimizer():
    found = after("optimizer: adam(lr=0.1)\ngroups: [{params: [b], optimizer: sgd(0.5), lr: 0.25}]")
    assert found == pytest.approx([1.9, 1.75, 1.9])


def test_a_group_may_rest_for_a_time_and_its_gradient_does_not_count():
    """Epochs 0 and 1: b stays; the norm of two gradients of 1 is sqrt(2), of all three sqrt(3)."""
    text = THREE + "  optimizer: sgd(1, momentum=0.5)\n  clip_norm: 0.1\n"
    model = gf.loads(text + "  groups: [{params: [b], frozen: epoch < 2}]\n")
    trainer, found = model.trainer(dtype="float64"), []
    for epoch in range(3):
        trainer.start_epoch(epoch)
        trainer.step({"x": 1.0})
        found.append([2 - float(model.parameters[name]) for name in "ab"])
    first, third = 0.1 / 2**0.5, 0.1 / 3**0.5
    expected = [[first, 0], [2.5 * first, 0], [3.25 * first + third, third]]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_first_group_that_matches_wins():
    found = after("optimizer: sgd(1)\ngroups: [{params: [b], lr: 0.5}, {params: ['*'], lr: 0.1}]")
    assert found == pytest.approx([1.9, 1.5, 1.9])


def test_biases_without_decay():
    """Weights shrink by lr * decay of themselves more than without; biases move alike."""
    batch = {"x": np.ones((2, 3)), "y": np.array([0, 1])}
    plain = trained("optimizer: sgd(0.1)", [batch])
    decayed = trained(
        "optimizer: sgd(0.1, weight_decay=0.5)\ngroups: [{params: ['*.bias'], weight_decay: 0}]",
        [batch],
    )
    start = weights(started("optimizer: sgd(0.1)")[0])
    for name, value in plain.items():
        shrunk = 0.05 * start[name] if name.endswith("weight") else 0
        np.testing.assert_allclose(decayed[name], value - shrunk, rtol=1e-12)


def test_players_have_groups_of_their_own_before_those_of_all():
    text = THREE.replace("  minimize: loss\n", "")
    model = gf.loads(text + """
  optimizer: sgd(1)
  groups: [{params: [c], lr: 0.1}]
  players:
    one: {minimize: loss, params: [a, b], groups: [{params: [b], lr_scale: 0.5}]}
    two: {minimize: loss, params: [c]}
""")
    model.trainer(dtype="float64").step({"x": 1.0})
    assert [float(model.parameters[n]) for n in "abc"] == pytest.approx([1.0, 1.5, 1.9])


def test_a_joint_optimizer_takes_arguments_of_a_group():
    """Newton's method on w^2 goes all the way to 0, or half of it."""
    model = gf.loads("""
graphflow: 1
name: two bowls
params: {a: {shape: [2], init: ones}, b: {shape: [2], init: ones}}
nodes: {loss: sum(a ** 2) + sum(b ** 2)}
train:
  minimize: loss
  optimizer: newton()
  groups: [{params: [b], lr_scale: 0.5}]
""")
    model.trainer(dtype="float64").step({})
    np.testing.assert_allclose(model.parameters["a"], 0, atol=1e-12)
    np.testing.assert_allclose(model.parameters["b"], 0.5)


@pytest.mark.parametrize(
    ("groups", "code", "message", "help"),
    [
        ("{params: [b], weigth_decay: 0}", "GF010", "no key 'weigth_decay', and sgd no such",
         "weight_decay"),
        ("{params: [b], betas: [0.9, 0.9]}", "GF010", "no key 'betas'", "arguments of sgd are lr"),
        ("{params: [b], lr: 1, lr_scale: 2}", "GF012", "not both", "leave out"),
        ("{params: [b], lr: -1}", "GF030", "lr is a rate of 0 or more, not -1", ""),
        ("{params: [b], lr: fast}", "GF020", "unknown name 'fast'", ""),
        ("{params: [b, d]}", "GF041", "no parameter is called 'd'", "graphflow show"),
        ("{params: [loss]}", "GF041", "no parameter is called 'loss'", ""),
        ("{params: [b], optimizer: sgd}", "GF042", "an optimizer is a call", "write sgd()"),
        ("{params: [a, b, c], frozen: true}", "GF041", "nothing to train", "freeze fewer"),
        ("{params: [b], frozen: maybe}", "GF020", "unknown name 'maybe'", ""),
        ("{params: [b], frozen: epoch}", "GF013", "a condition over epoch", "epoch < 3"),
        ("{lr: 1}", "GF012", "a group needs the key 'params'", ""),
    ],
)  # fmt: skip
def test_a_wrong_group_is_refused_where_it_stands(groups, code, message, help):
    found = refused(f"optimizer: sgd(0.1)\ngroups:\n- {groups}")
    assert found.code == code and message in found.message
    assert help in (found.help or "")
    assert found.mark is not None and found.mark.line == (10 if 'frozen: true' in groups else 14)


def test_a_group_that_earlier_ones_leave_nothing_is_refused():
    found = refused("optimizer: sgd(0.1)\ngroups: [{params: ['*'], lr: 1}, {params: [b], lr: 2}]")
    assert found.code == "GF041" and "earlier groups hold all of b" in found.message


def test_a_players_group_is_over_its_own_parameters():
    text = THREE.replace("  minimize: loss\n", "")
    found = refused("""
optimizer: sgd(1)
players:
  one: {minimize: loss, params: [a], groups: [{params: [c], lr: 0.5}]}
  two: {minimize: loss, params: [b, c]}
""", text)
    assert found.code == "GF041" and "this player does not change 'c'" in found.message


def test_groups_survive_expansion():
    text = THREE + "  optimizer: sgd(rate)\n  groups: [{params: [b], lr_scale: k, momentum: 0.5}]\n"
    model = gf.loads(text.replace("params:\n", "let: {rate: 0.1, k: 3}\nparams:\n", 1))
    again = gf.loads(model.expanded())
    for one in (model, again):
        one.trainer().step({"x": 1.0})
    assert float(again.parameters["b"]) == float(model.parameters["b"]) == pytest.approx(1.7)
