"""Training from a file against the same training in PyTorch: weights after every update."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn, optim
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim import lr_scheduler, swa_utils

from tests.training.small_net import (
    NET,
    Array,
    assert_same,
    first_weights,
    part,
    rows,
    started,
    weights,
)
from tests.training.test_plateau import rates

pytestmark = pytest.mark.parity

Net = nn.ModuleDict
BATCHES = [part(rows(24), start, start + 4) for start in range(0, 24, 4)]


def net() -> Net:
    """The twin of the small net, with its weights."""
    made = nn.ModuleDict({"body": nn.Linear(3, 5), "head": nn.Linear(5, 2)}).double()
    made.load_state_dict({n: torch.tensor(v) for n, v in first_weights().items()})
    return made


def loss(made: Net, batch: dict[str, Array], reduction: str = "mean") -> torch.Tensor:
    logits = made["head"](torch.tanh(made["body"](torch.tensor(batch["x"]))))
    return nn.functional.cross_entropy(logits, torch.tensor(batch["y"]), reduction=reduction)


def values(made: Net) -> dict[str, Array]:
    return {n: p.detach().numpy().copy() for n, p in made.named_parameters()}


def theirs(
    made: Net,
    stepper: optim.Optimizer,
    *,
    clip: Callable[[Net], None] = lambda made: None,
    scheduler: lr_scheduler.LRScheduler | None = None,
    accumulate: int = 1,
    epochs: int = 4,
    per_epoch: bool = False,
) -> Iterator[dict[str, Array]]:
    """The weights after every update."""
    for _ in range(epochs):
        for start in range(0, len(BATCHES), accumulate):
            stepper.zero_grad()
            for batch in BATCHES[start : start + accumulate]:
                (loss(made, batch) / accumulate).backward()
            clip(made)
            stepper.step()
            if scheduler is not None and not per_epoch:
                scheduler.step()
            yield values(made)
        if scheduler is not None and per_epoch:
            scheduler.step()


def ours(train: str, epochs: int = 4) -> Iterator[dict[str, Array]]:
    """The weights after every update."""
    model, trainer = started(train)
    for epoch in range(epochs):
        trainer.start_epoch(epoch)
        for batch in BATCHES:
            trainer.step(batch)
            if trainer.updated:
                yield weights(model)


def compare(train: str, expected: Iterator[dict[str, Array]]) -> None:
    wanted = list(expected)
    assert len(wanted) >= 8
    for found, value in zip(ours(train), wanted, strict=True):
        assert_same(found, value, rtol=1e-9)


# -- groups ---------------------------------------------------------------------------------------
def decayed(made: Net) -> list[dict[str, object]]:
    """Decay for weights, none for biases."""
    named = list(made.named_parameters())
    return [
        {"params": [p for n, p in named if n.endswith("bias")], "weight_decay": 0.0},
        {"params": [p for n, p in named if not n.endswith("bias")]},
    ]


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_weight_decay_groups(name):
    made = net()
    kind = {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW}[name]
    stepper = kind(decayed(made), lr=0.1, weight_decay=0.3)
    train = f"""
optimizer: {name}(lr=0.1, weight_decay=0.3)
groups: [{{params: ['*.bias'], weight_decay: 0}}]
"""
    compare(train, theirs(made, stepper))


def test_the_head_learns_ten_times_faster_and_under_the_same_schedule():
    made = net()
    stepper = optim.SGD(
        [{"params": made["body"].parameters()}, {"params": made["head"].parameters(), "lr": 0.5}],
        lr=0.05, momentum=0.9,
    )  # fmt: skip
    scheduler = lr_scheduler.CosineAnnealingLR(stepper, 24)
    train = """
optimizer: sgd(lr=cosine_lr(0.05, 24), momentum=0.9)
groups: [{params: [head], lr_scale: 10}]
"""
    compare(train, theirs(made, stepper, scheduler=scheduler))


def test_a_group_with_an_optimizer_of_its_own_and_one_that_stays():
    made = net()
    made["body"].bias.requires_grad_(False)
    first = optim.Adam(made["head"].parameters(), lr=0.02)
    second = optim.SGD([made["body"].weight], lr=0.3)

    def both() -> Iterator[dict[str, Array]]:
        for _ in range(4):
            for batch in BATCHES:
                made.zero_grad()
                loss(made, batch).backward()
                first.step()
                second.step()
                yield values(made)

    train = """
optimizer: sgd(0.3)
groups: [{params: [head], optimizer: adam(lr=0.02)}, {params: [body.bias], frozen: true}]
"""
    compare(train, both())


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_gradual_unfreezing(name):
    """The body joins in epoch 2: its optimizer begins there, the rate is where it is by then."""
    made = net()
    stepper = (
        optim.SGD(made.parameters(), 0.3, momentum=0.9)
        if name == "sgd"
        else optim.Adam(made.parameters(), 0.3)
    )
    scheduler = lr_scheduler.ExponentialLR(stepper, 0.9)

    def unfreezing() -> Iterator[dict[str, Array]]:
        for epoch in range(4):
            made["body"].requires_grad_(epoch >= 2)
            for batch in BATCHES:
                stepper.zero_grad()
                loss(made, batch).backward()
                clip_grad_norm_(made.parameters(), 0.2)
                stepper.step()
                scheduler.step()
                yield values(made)

    more = ", momentum=0.9" if name == "sgd" else ""
    train = f"""
optimizer: {name}(lr=exponential_lr(0.3, 0.9){more})
groups: [{{params: [body], frozen: epoch < 2}}]
clip_norm: 0.2
"""
    compare(train, unfreezing())


# -- accumulation and clipping --------------------------------------------------------------------
@pytest.mark.parametrize("clip", [True, False])
def test_accumulation(clip):
    made = net()
    clipped = (lambda m: clip_grad_norm_(m.parameters(), 0.05)) if clip else (lambda m: None)
    train = "optimizer: adam(lr=warmup(0.1, 5, start=0.2))\naccumulate: 3\n"
    stepper = optim.Adam(made.parameters(), lr=0.1)
    scheduler = lr_scheduler.LinearLR(stepper, 0.2, 1.0, 5)
    expected = theirs(made, stepper, clip=clipped, scheduler=scheduler, accumulate=3)
    compare(train + ("clip_norm: 0.05" if clip else ""), expected)


def test_clipping_by_norm_and_by_value():
    made = net()
    expected = theirs(
        made, optim.SGD(made.parameters(), 0.5), clip=lambda m: clip_grad_norm_(m.parameters(), 0.1)
    )
    compare("optimizer: sgd(0.5)\nclip_norm: 0.1", expected)
    made = net()
    expected = theirs(
        made, optim.SGD(made.parameters(), 0.5),
        clip=lambda m: clip_grad_value_(m.parameters(), 0.02),
    )  # fmt: skip
    compare("optimizer: sgd(0.5)\nclip_value: 0.02", expected)


@pytest.mark.parametrize("first", ["value", "norm"])
def test_both_clippings_in_either_order(first):
    made = net()

    def clip(made: Net) -> None:
        if first == "value":
            clip_grad_value_(made.parameters(), 0.05)
        clip_grad_norm_(made.parameters(), 0.12)
        if first == "norm":
            clip_grad_value_(made.parameters(), 0.05)

    expected = theirs(made, optim.SGD(made.parameters(), 0.5), clip=clip)
    limits = f"clip_norm: 0.12\nclip_value: 0.05\nclip_first: {first}"
    compare(f"optimizer: sgd(0.5)\n{limits}", expected)


# -- schedules ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("more", ["", ", anneal_strategy='linear', three_phase=true"])
def test_one_cycle_of_rate_and_momentum(name, more):
    made = net()
    momentum = f"one_cycle_momentum(24{more})"
    rate = f"one_cycle(0.3, 24{more})"
    stepper = (
        optim.SGD(made.parameters(), 0.3, momentum=0.9)
        if name == "sgd"
        else optim.Adam(made.parameters(), 0.3)
    )
    options = {"anneal_strategy": "linear", "three_phase": True} if more else {}
    scheduler = lr_scheduler.OneCycleLR(stepper, 0.3, 24, **options)
    call = (
        f"sgd(lr={rate}, momentum={momentum})"
        if name == "sgd"
        else f"adam(lr={rate}, betas=[{momentum}, 0.999])"
    )
    compare(f'optimizer: "{call}"', theirs(made, stepper, scheduler=scheduler))


@pytest.mark.parametrize(
    ("schedule", "twin", "per_epoch"),
    [
        ("cosine_restarts_lr(0.3, 5, t_mult=2)",
         lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, 2), False),
        ("cosine_restarts_lr(0.3, 2, per='epoch')",
         lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2), True),
        ("warmup(0.3, 8, start=0.1)", lambda o: lr_scheduler.LinearLR(o, 0.1, 1.0, 8), False),
        ("step_lr(0.3, 2, per='epoch')", lambda o: lr_scheduler.StepLR(o, 2), True),
        ("0.3 / (1 + epoch)", lambda o: lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + e)), True),
        ("0.3 / sqrt(step)", lambda o: lr_scheduler.LambdaLR(o, lambda s: (s + 1) ** -0.5), False),
        ("0.3 * 0.9 ** (step - 1)", lambda o: lr_scheduler.ExponentialLR(o, 0.9), False),
    ],
)  # fmt: skip
def test_schedules_by_epoch_and_by_step(schedule, twin, per_epoch):
    made = net()
    stepper = optim.SGD(made.parameters(), 0.3, momentum=0.5)
    expected = theirs(made, stepper, scheduler=twin(stepper), per_epoch=per_epoch)
    compare(f'optimizer: "sgd(lr={schedule}, momentum=0.5)"', expected)


PLATEAUS = [
    ("factor=0.5, patience=1", {"factor": 0.5, "patience": 1}),
    ("factor=0.3, patience=2, cooldown=2", {"factor": 0.3, "patience": 2, "cooldown": 2}),
    ("'max', 0.5, 0", {"mode": "max", "factor": 0.5, "patience": 0}),
    (
        "patience=0, threshold=0.1, threshold_mode='abs', min_lr=0.004",
        {"patience": 0, "threshold": 0.1, "threshold_mode": "abs", "min_lr": 0.004},
    ),
    (
        "'max', 0.7, 1, 0.05, 'rel', 1, 0.01, 0.02",
        {"mode": "max", "factor": 0.7, "patience": 1, "threshold": 0.05, "threshold_mode": "rel",
         "cooldown": 1, "min_lr": 0.01, "eps": 0.02},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "options"), PLATEAUS)
@pytest.mark.parametrize("seed", range(4))
def test_a_plateau_of_a_metric(call, options, seed):
    metrics = list(np.cumsum(np.random.default_rng(seed).standard_normal(40) * 0.3) + 2)
    stepper = optim.SGD([torch.zeros(1, requires_grad=True)], 0.3)
    scheduler = lr_scheduler.ReduceLROnPlateau(stepper, **options)
    expected = []
    for metric in metrics:
        expected.append(stepper.param_groups[0]["lr"])
        scheduler.step(metric)
    found = rates(f"reduce_lr_on_plateau(0.3, 'test/loss', {call})", metrics)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)  # differences of w
    assert len(set(expected)) > 2


# -- conventions of gradients ---------------------------------------------------------------------
def test_descent_that_divides_a_sum_by_the_batch():
    """Dive into Deep Learning's own sgd: param -= lr * grad / batch_size, of a summed loss."""
    made = net()

    def scratch() -> Iterator[dict[str, Array]]:
        for _ in range(4):
            for batch in BATCHES:
                made.zero_grad()
                loss(made, batch, "sum").backward()
                with torch.no_grad():
                    for p in made.parameters():
                        p -= 0.3 * p.grad / 4
                yield values(made)

    text = NET.replace("(logits, y)", "(logits, y, reduction='sum')")
    model, trainer = started("optimizer: sgd(lr=0.3 / B)", text)
    for batch, expected in zip(BATCHES * 4, scratch(), strict=True):
        trainer.step(batch)
        assert_same(weights(model), expected)


# -- averages -------------------------------------------------------------------------------------
class Normed(nn.Module):
    """A layer, batch norm and another layer, with the small net's weights."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.normed, self.head = nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)
        self.double()
        counted = self.normed.num_batches_tracked.double()  # whole numbers have no mean there
        self.normed.num_batches_tracked = counted
        first = {n: torch.tensor(v) for n, v in first_weights().items()}
        self.load_state_dict(first, strict=False)

    def forward(self, batch: dict[str, Array]) -> torch.Tensor:
        hidden = torch.tanh(self.normed(self.body(torch.tensor(batch["x"]))))
        return nn.functional.cross_entropy(self.head(hidden), torch.tensor(batch["y"]))


NORMED = NET.replace("head: linear(2)", "head: linear(2), normed: batch_norm()").replace(
    "tanh(body(x))", "tanh(normed(body(x)))"
)


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize(
    ("setting", "function", "begins", "every"),
    [
        ("ema(0.8)", swa_utils.get_ema_multi_avg_fn(0.8), 0, "step"),
        ("ema(0.8, start=7)", swa_utils.get_ema_multi_avg_fn(0.8), 7, "step"),
        ("swa()", swa_utils.get_swa_multi_avg_fn(), 0, "step"),
        ("swa(start=2)", swa_utils.get_swa_multi_avg_fn(), 2, "epoch"),
    ],
)
def test_averaged_models(setting, function, begins, every, use_buffers):
    """Evaluation after each epoch, by the averaged model of torch.optim.swa_utils."""
    flag = str(use_buffers).lower()
    _, trainer = started(
        "optimizer: sgd(0.3, momentum=0.9)\n"
        f"average: {{is: '{setting}', every: {every}, use_buffers: {flag}}}",
        NORMED,
    )
    made = Normed()
    averaged = swa_utils.AveragedModel(made, multi_avg_fn=function, use_buffers=use_buffers)
    stepper = optim.SGD(made.parameters(), 0.3, momentum=0.9)
    calls = 0
    for epoch in range(5):
        trainer.start_epoch(epoch)
        for batch in BATCHES:
            trainer.step(batch)
            stepper.zero_grad()
            made(batch).backward()
            stepper.step()
            calls += every == "step"
            if every == "step" and calls > begins:
                averaged.update_parameters(made)
        trainer.finish_epoch()
        calls += every == "epoch"
        if every == "epoch" and calls > begins:
            averaged.update_parameters(made)
        judged = averaged if int(averaged.n_averaged) else made
        expected = judged.eval()(rows(24)).item()
        made.train()
        averaged.train()
        found = trainer.evaluate([(rows(24), 24)])["loss"]
        assert found == pytest.approx(expected, rel=1e-7), epoch  # 1/n is float32 there
