"""Training in PyTorch: its optimizers under the same calls, its schedulers over the same counts."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable

import torch
from torch import optim
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)

from tests.library.training_cases import COUNTS, STEPS, Array, start
from tests.parity.torch_floats import torch_floats

CLASSES: dict[str, type[Optimizer]] = {
    "sgd": optim.SGD,
    "adagrad": optim.Adagrad,
    "rmsprop": optim.RMSprop,
    "adadelta": optim.Adadelta,
    "rprop": optim.Rprop,
    "asgd": optim.ASGD,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "adamax": optim.Adamax,
    "adafactor": optim.Adafactor,
}

SCHEDULES: dict[str, Callable[[Optimizer], LRScheduler]] = {
    "constant_lr(0.3)": lambda o: ConstantLR(o),
    "constant_lr(0.3, factor=0.5, total=8)": lambda o: ConstantLR(o, 0.5, 8),
    "step_lr(0.3, step_size=4, gamma=0.8)": lambda o: StepLR(o, 4, 0.8),
    "multi_step_lr(0.3, [3, 7, 30], gamma=0.5)": lambda o: MultiStepLR(o, [3, 7, 30], 0.5),
    "exponential_lr(0.3, 0.9)": lambda o: ExponentialLR(o, 0.9),
    "polynomial_lr(0.3, 8, power=2)": lambda o: PolynomialLR(o, 8, 2),
    "polynomial_lr(0.3, 50, power=0.5)": lambda o: PolynomialLR(o, 50, 0.5),
    "linear_lr(0.3)": lambda o: LinearLR(o),
    "linear_lr(0.3, start_factor=1.0, end_factor=0.1, total=40)": lambda o: LinearLR(
        o, 1.0, 0.1, 40
    ),
    "cosine_lr(0.3, 60, min_lr=0.01)": lambda o: CosineAnnealingLR(o, 60, 0.01),
    "cosine_restarts_lr(0.3, 7)": lambda o: CosineAnnealingWarmRestarts(o, 7),
    "cosine_restarts_lr(0.3, 4, t_mult=2, min_lr=0.01)": lambda o: CosineAnnealingWarmRestarts(
        o, 4, 2, 0.01
    ),
    "cosine_restarts_lr(0.3, 2, t_mult=3)": lambda o: CosineAnnealingWarmRestarts(o, 2, 3),
    "warmup(0.3, 5, start=0.25)": lambda o: LinearLR(o, 0.25, 1.0, 5),
    "warmup(step_lr(0.3, 10), 6, start=0.5)": lambda o: ChainedScheduler(
        [StepLR(o, 10), LinearLR(o, 0.5, 1.0, 6)]
    ),
    "step_lr(0.3, 10) * exponential_lr(1, 0.9)": lambda o: ChainedScheduler(
        [StepLR(o, 10), ExponentialLR(o, 0.9)]
    ),
    "sequential([linear_lr(0.3), exponential_lr(0.3, 0.9, after=5)], [5])": lambda o: SequentialLR(
        o, [LinearLR(o), ExponentialLR(o, 0.9)], [5]
    ),
    "sequential([constant_lr(0.3), step_lr(0.3, 4, after=10), 0.3], [10, 30])": lambda o: (
        SequentialLR(o, [ConstantLR(o), StepLR(o, 4), ConstantLR(o, 1.0)], [10, 30])
    ),
    "one_cycle(0.3, 60)": lambda o: OneCycleLR(o, 0.3, 60),
    "one_cycle(0.3, 60, pct_start=0.4, anneal_strategy='linear', three_phase=true)": lambda o: (
        OneCycleLR(o, 0.3, 60, pct_start=0.4, anneal_strategy="linear", three_phase=True)
    ),
    "one_cycle(0.3, 60, div_factor=10, final_div_factor=100)": lambda o: OneCycleLR(
        o, 0.3, 60, div_factor=10, final_div_factor=100
    ),
    "one_cycle_momentum(60)": lambda o: OneCycleLR(o, 0.3, 60),
    "one_cycle_momentum(60, 0.4, 'linear', 0.8, 0.9, three_phase=true)": lambda o: OneCycleLR(
        o, 0.3, 60, None, None, 0.4, "linear", True, 0.8, 0.9, three_phase=True
    ),
    "cyclic_lr(0.01, 0.3, 7)": lambda o: CyclicLR(o, 0.01, 0.3, 7),
    "cyclic_lr(0.01, 0.3, 7, 4, mode='triangular2')": lambda o: CyclicLR(
        o, 0.01, 0.3, 7, 4, "triangular2"
    ),
    "cyclic_lr(0.01, 0.3, 7, mode='exp_range', gamma=0.95)": lambda o: CyclicLR(
        o, 0.01, 0.3, 7, None, "exp_range", 0.95
    ),
    "cyclic_momentum(step_size_up=7)": lambda o: CyclicLR(o, 0.01, 0.3, 7),
    "cyclic_momentum(0.7, 0.95, 7, 4, 'triangular2')": lambda o: CyclicLR(
        o, 0.01, 0.3, 7, 4, "triangular2", base_momentum=0.7, max_momentum=0.95
    ),
}


def optimizer(call: str, params: list[torch.Tensor]) -> Optimizer:
    """The optimizer of that name with the same arguments: they are called alike."""
    written = ast.parse(call.replace("true", "True").replace("false", "False"), mode="eval").body
    assert isinstance(written, ast.Call) and isinstance(written.func, ast.Name)
    args = [ast.literal_eval(a) for a in written.args]
    options = {k.arg: ast.literal_eval(k.value) for k in written.keywords}
    return CLASSES[written.func.id](params, *args, **options, foreach=False)  # type: ignore[call-arg]


@torch_floats(torch.float64)
def trained(call: str) -> list[Array]:
    """The matrix after every step."""
    first, x = (torch.tensor(array) for array in start())
    w = first.requires_grad_()
    stepper = optimizer(call, [w])
    found = []
    for _ in range(STEPS):
        stepper.zero_grad()
        (torch.sin(w * x).sum() + 0.1 * (w**3).sum()).backward()
        stepper.step()
        found.append(w.detach().numpy().copy())
    return found


def rates(call: str) -> list[float]:
    """The learning rate of every step; of a schedule of the momentum, the momentum."""
    stepper = optim.SGD([torch.zeros(1, requires_grad=True)], 0.3, momentum=0.9)
    driven = "momentum" if "momentum" in call.partition("(")[0] else "lr"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no gradient was computed
        scheduler = SCHEDULES[call](stepper)
        found = []
        for count in range(COUNTS):
            found.append(float(stepper.param_groups[0][driven]))
            stepper.step()
            if count + 1 < COUNTS:
                scheduler.step()
    return found
