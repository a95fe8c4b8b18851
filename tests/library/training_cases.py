"""Optimizers and schedules that are compared with PyTorch, and what they are run on."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
STEPS = 20
COUNTS = 60

OPTIMIZERS = [
    "sgd()",
    "sgd(0.1)",
    "sgd(0.1, weight_decay=0.1)",
    "sgd(0.1, maximize=true, weight_decay=0.1)",
    "sgd(0.1, momentum=0.9)",
    "sgd(0.1, momentum=0.9, maximize=true)",
    "sgd(0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)",
    "sgd(0.1, momentum=0.9, nesterov=true)",
    "sgd(0.1, momentum=0.9, nesterov=true, weight_decay=0.1)",
    "adagrad()",
    "adagrad(0.1, maximize=true)",
    "adagrad(0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=1)",
    "adagrad(0.1, eps=0.1, initial_accumulator_value=0.3)",
    "rmsprop()",
    "rmsprop(0.05, maximize=true)",
    "rmsprop(0.05, centered=true)",
    "rmsprop(0.05, momentum=0.9, eps=0.1)",
    "rmsprop(0.05, alpha=0.9, momentum=0.5, centered=true, weight_decay=0.1)",
    "adadelta()",
    "adadelta(0.5, rho=0.8, eps=1e-4, weight_decay=0.1)",
    "adadelta(maximize=true)",
    "rprop()",
    "rprop(0.1, etas=[0.3, 1.5], step_sizes=[0.02, 0.2])",
    "rprop(0.1, maximize=true)",
    "asgd()",
    "asgd(0.1, lambd=0.01, alpha=0.5, t0=3, weight_decay=0.1)",
    "asgd(0.1, maximize=true)",
    "adam()",
    "adam(0.1, amsgrad=true)",
    "adam(0.1, betas=[0.5, 0.9], weight_decay=0.1, amsgrad=true)",
    "adam(0.1, eps=0.1, maximize=true)",
    "adamw()",
    "adamw(0.1, weight_decay=0)",
    "adamw(0.1, weight_decay=0.3, amsgrad=true)",
    "adamw(0.1, betas=[0.5, 0.9], maximize=true)",
    "nadam()",
    "nadam(0.1, momentum_decay=0.1, weight_decay=0.1)",
    "nadam(0.1, betas=[0.5, 0.9], weight_decay=0.1, decoupled_weight_decay=true)",
    "nadam(0.1, maximize=true)",
    "radam()",
    "radam(0.1, weight_decay=0.1)",
    "radam(0.1, betas=[0.5, 0.9], weight_decay=0.1, decoupled_weight_decay=true)",
    "radam(0.1, eps=0.1, maximize=true)",
    "adamax()",
    "adamax(0.1, weight_decay=0.2)",
    "adamax(0.1, betas=[0.5, 0.9], maximize=true)",
    "adafactor(eps=[1e-8, 1e-3])",
    "adafactor(0.5, beta2_decay=-0.5, eps=[1e-3, 0.1], d=2, weight_decay=0.1)",
    "adafactor(0.3, eps=[1e-8, 1e-3], maximize=true)",
]

SCHEDULES = [
    "constant_lr(0.3)",
    "constant_lr(0.3, factor=0.5, total=8)",
    "step_lr(0.3, step_size=4, gamma=0.8)",
    "multi_step_lr(0.3, [3, 7, 30], gamma=0.5)",
    "exponential_lr(0.3, 0.9)",
    "polynomial_lr(0.3, 8, power=2)",
    "polynomial_lr(0.3, 50, power=0.5)",
    "linear_lr(0.3)",
    "linear_lr(0.3, start_factor=1.0, end_factor=0.1, total=40)",
    "cosine_lr(0.3, 60, min_lr=0.01)",
    "cosine_restarts_lr(0.3, 7)",
    "cosine_restarts_lr(0.3, 4, t_mult=2, min_lr=0.01)",
    "cosine_restarts_lr(0.3, 2, t_mult=3)",
    "warmup(0.3, 5, start=0.25)",
    "warmup(step_lr(0.3, 10), 6, start=0.5)",
    "step_lr(0.3, 10) * exponential_lr(1, 0.9)",
    "sequential([linear_lr(0.3), exponential_lr(0.3, 0.9, after=5)], [5])",
    "sequential([constant_lr(0.3), step_lr(0.3, 4, after=10), 0.3], [10, 30])",
    "one_cycle(0.3, 60)",
    "one_cycle(0.3, 60, pct_start=0.4, anneal_strategy='linear', three_phase=true)",
    "one_cycle(0.3, 60, div_factor=10, final_div_factor=100)",
    "one_cycle_momentum(60)",
    "one_cycle_momentum(60, 0.4, 'linear', 0.8, 0.9, three_phase=true)",
    "cyclic_lr(0.01, 0.3, 7)",
    "cyclic_lr(0.01, 0.3, 7, 4, mode='triangular2')",
    "cyclic_lr(0.01, 0.3, 7, mode='exp_range', gamma=0.95)",
    "cyclic_momentum(step_size_up=7)",
    "cyclic_momentum(0.7, 0.95, 7, 4, 'triangular2')",
]


def start() -> tuple[Array, Array]:
    """The first value of the trained matrix, and what its loss is made with."""
    rng = np.random.default_rng(20)
    return rng.standard_normal((3, 4)), rng.standard_normal((3, 4))


def kept(steps: list[Array]) -> list[Array]:
    """The steps that a record holds; the live comparison looks at all of them."""
    return [steps[count - 1] for count in (1, 2, 3, STEPS)]


def optimizer_file(call: str) -> str:
    """sum sin(w x) + 0.1 sum w^3, lowered by ``call``."""
    return (
        "graphflow: 1\nname: an optimizer\ninputs:\n  x: {shape: [3, 4]}\n"
        "params:\n  w: {shape: [3, 4], init: zeros}\n"
        "nodes:\n  loss: sum(sin(w * x)) + 0.1 * sum(w ** 3)\n"
        f'train:\n  minimize: loss\n  steps: {STEPS}\n  optimizer: "{call}"\n'
    )


def schedule_file(call: str) -> str:
    """A number whose derivative is 1: every step shows the rate it was made with."""
    return (
        "graphflow: 1\nname: a schedule\nparams:\n  w: {shape: scalar, init: zeros}\n"
        "nodes:\n  loss: w * 1\n"
        f'train:\n  minimize: loss\n  steps: {COUNTS}\n  optimizer: "sgd(lr={call})"\n'
    )
