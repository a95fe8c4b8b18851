"""``tune:`` is read with everything wrong in it, each at its place."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.spec.elaborate import SchedulerPlan

FILE = """\
graphflow: 1
name: n
let: {{lr: 0.1, hidden: 16, act: relu, bias: true}}
inputs: {{x: {{shape: [B, 64]}}, y: {{shape: [B], dtype: int}}}}
nodes:
  logits: linear(linear(x, hidden, activation=act), 10, bias=bias)
  loss: cross_entropy(logits, y)
  accuracy: mean(argmax(logits, axis=1) == y)
data: {{source: digits, feed: {{x: pixels / 16, y: label}}, split: {{train: 0.5, test: 0.5}}}}
train: {{minimize: loss, optimizer: sgd(lr=lr), {train}report: [accuracy]}}
tune:
  space:
    lr: loguniform(1e-3, 1)
    {space}
  metric: {metric}
  mode: max
  {more}
"""


def text(space="p: 1", metric="test/accuracy", more="trials: 3", train="epochs: 8, "):
    space = "hidden: choice(8, 16)" if space == "p: 1" else space
    return FILE.format(space=space, metric=metric, more=more, train=train)


def plan(**parts):
    return gf.loads(text(**parts)).elaborated.tune


def codes(**parts):
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(text(**parts))
    return [(d.code, d.mark.line, d.mark.column) for d in caught.value.diagnostics]


def test_a_whole_section():
    found = plan(more="trials: 2 * 8\n  time: 60\n  workers: 2\n  sampler: tpe\n  seed: 3\n"
                 "  scheduler: asha(2, reduction_factor=4)\n  start: [{lr: 0.5}]")  # fmt: skip
    assert [d.name for d in found.space] == ["lr", "hidden"]
    assert (found.metric, found.maximise, found.sampler) == ("test/accuracy", True, "tpe")
    assert (found.trials, found.time, found.workers, found.seed) == (16, 60.0, 2, 3)
    assert found.scheduler == SchedulerPlan("asha", 8, 2, 4, "stopping")
    assert found.start == ({"lr": 0.5},)


@pytest.mark.parametrize(
    ("written", "low", "high", "whole", "log"),
    [
        ("uniform(0, 0.5)", 0, 0.5, False, False),
        ("loguniform(low=1e-3, high=1)", 1e-3, 1, False, True),
        ("randint(1, 5)", 1, 4, True, False),  # NumPy's and SciPy's: without its upper end
        ("lograndint(8, 257)", 8, 256, True, True),
    ],
)
def test_ranges(written, low, high, whole, log):
    (_, found) = plan(space=f"data.batch: {written}").space
    assert (found.low, found.high, found.whole, found.log) == (low, high, whole, log)
    assert found.holds(high) and not found.holds(high + 1)


def test_choices_are_numbers_words_and_calls():
    (_, found) = plan(space="train.optimizer: choice(sgd(lr=lr), adam(lr=lr / 10))").space
    assert found.choices == ("sgd(lr=lr)", "adam(lr=lr / 10)")
    (_, found) = plan(space="act: choice(relu, tanh)").space
    assert found.choices == ("relu", "tanh")
    (_, found) = plan(space="bias: choice(true, false)").space
    assert found.choices == (True, False)


def test_basic_is_what_nothing_says():
    assert plan().scheduler == SchedulerPlan("basic", 8)


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"space": "hiden: choice(1, 2)"}, ("GF020", 14, 5)),
        ({"space": "train.optimiser: choice(a, b)"}, ("GF010", 14, 5)),
        ({"space": "weights: uniform(0, 1)"}, ("GF020", 14, 5)),
        ({"space": "hidden: choice(a, [b])\n    hidden: choice(1, 2)"}, ("GF011", 15, 5)),
        ({"space": "hidden: normal(0, 1)"}, ("GF021", 14, 13)),
        ({"space": "train.epochs: randint(1, 9)"}, ("GF033", 14, 5)),
        ({"space": "tune.seed: randint(1, 9)"}, ("GF033", 14, 5)),
        ({"space": "hidden: 16"}, ("GF021", 14, 13)),
        ({"space": "hidden: randint(8)"}, ("GF022", 14, 13)),
        ({"space": "hidden: randint(8, 9, 10)"}, ("GF022", 14, 27)),
        ({"space": "hidden: randint(8, upper=10)"}, ("GF022", 14, 24)),
        ({"space": "hidden: randint(8, 8)"}, ("GF033", 14, 13)),
        ({"space": "hidden: randint(1.5, 8)"}, ("GF033", 14, 13)),
        ({"space": "hidden: loguniform(0, 8)"}, ("GF033", 14, 13)),
        ({"space": "hidden: choice()"}, ("GF022", 14, 13)),
        ({"space": "hidden: choice(8, 16, 8)"}, ("GF033", 14, 27)),
        ({"space": "hidden: choice(8, true)"}, ("GF033", 14, 13)),
        ({"space": "bias: uniform(0, 1)"}, ("GF033", 14, 11)),
        ({"metric": "accuracy"}, ("GF013", 15, 11)),
        ({"metric": "test/acuracy"}, ("GF020", 15, 11)),
        ({"more": "trials: 0"}, ("GF033", 17, 11)),
        ({"more": "time: -1"}, ("GF033", 17, 9)),
        ({"more": "workers: 2"}, ("GF012", 11, 1)),
        ({"more": "trials: 1\n  sampler: grid"}, ("GF021", 18, 12)),
        ({"more": "trials: 1\n  scheduler: random"}, ("GF021", 18, 14)),
        ({"more": "trials: 1\n  scheduler: asha(min_epoch=1)"}, ("GF022", 18, 19)),
        ({"more": "trials: 1\n  scheduler: asha(min_epochs=9)"}, ("GF033", 18, 14)),
        ({"more": "trials: 1\n  scheduler: asha(reduction_factor=1)"}, ("GF033", 18, 36)),
        ({"more": "trials: 1\n  scheduler: asha(type=pausing)"}, ("GF033", 18, 24)),
        ({"more": "trials: 1\n  start: [{lr: 5}]"}, ("GF033", 18, 16)),
        ({"more": "trials: 1\n  start: [{rate: 0.5}]"}, ("GF020", 18, 12)),
        ({"train": "", "more": "trials: 1\n  scheduler: asha"}, ("GF012", 18, 14)),
    ],
)
def test_what_is_refused_is_placed(parts, found):
    assert codes(**parts) == [found]


def test_what_is_only_evaluated_is_measured_on_what_is_not_trained_on():
    extra = "epochs: 8, evaluate: [logits.bias], "
    assert plan(metric="test/logits.bias", train=extra).metric == "test/logits.bias"
    assert codes(metric="train/logits.bias", train=extra) == [("GF020", 15, 11)]


def test_everything_wrong_is_said_at_once():
    found = codes(space="hidden: randint(8, 2)", metric="test/x", more="trials: x\n  sampler: y")
    assert [code for code, *_ in found] == ["GF033", "GF020", "GF020", "GF021"]


def test_a_file_that_counts_in_steps_has_one_end():
    assert plan(train="steps: 9, ").scheduler == SchedulerPlan("basic", 1, whole=True)
    without = "\n".join(line for line in text(more="trials: 1\n  scheduler: asha").splitlines()
                        if not line.startswith("data:"))  # fmt: skip
    with pytest.raises(gf.GraphflowError, match="GF078"):
        gf.loads(without)


def test_a_search_needs_something_to_train():
    without = "\n".join(line for line in text().splitlines() if not line.startswith("train:"))
    with pytest.raises(gf.GraphflowError, match="GF067"):
        gf.loads(without)


def test_the_long_form_keeps_a_search_that_means_the_same_there():
    """A rate is still read there; a width is written into the nodes."""
    kept = gf.loads(text(space="data.batch: choice(16, 32)"))
    again = gf.loads(kept.expanded())
    assert again.elaborated.tune == kept.elaborated.tune
    assert gf.loads(gf.loads(text()).expanded()).elaborated.tune is None


def test_a_search_is_changed_by_path():
    found = gf.loads(text(), {"tune.scheduler": "successive_halving(1)", "tune.space.lr":
                              "uniform(0, 1)", "tune.trials": 7}).elaborated.tune  # fmt: skip
    assert (found.scheduler.name, found.trials) == ("successive_halving", 7)
    assert found.space[0].kind == "uniform"
