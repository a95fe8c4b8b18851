"""Optimizers and schedules that are compared with PyTorch, and what they are run on."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
STEPS = 6
COUNTS = 14

OPTIMIZERS = [
    "sgd(0.1)",
    "sgd(0.1, momentum=0.9)",
    "sgd(0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)",
    "sgd(0.1, momentum=0.9, nesterov=true, weight_decay=0.1)",
    "adagrad(0.1)",
    "adagrad(0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=1)",
    "rmsprop(0.05)",
    "rmsprop(0.05, alpha=0.9, momentum=0.5, centered=true, weight_decay=0.1)",
    "adadelta()",
    "adadelta(0.5, rho=0.8, eps=1e-4, weight_decay=0.1)",
    "adam()",
    "adam(0.1, betas=[0.5, 0.9], weight_decay=0.1, amsgrad=true)",
    "adamw(0.1)",
    "adamw(0.1, weight_decay=0.3, amsgrad=true)",
    "adamax(0.1)",
    "adamax(0.1, weight_decay=0.2)",
]

SCHEDULES = [
    "step_lr(0.3, step_size=4, gamma=0.8)",
    "multi_step_lr(0.3, [3, 7], gamma=0.5)",
    "exponential_lr(0.3, 0.9)",
    "polynomial_lr(0.3, 8, power=2)",
    "cosine_lr(0.3, 14, min_lr=0.01)",
    "warmup(0.3, 5, start=0.25)",
    "one_cycle(0.3, 14)",
    "one_cycle(0.3, 14, pct_start=0.4, anneal_strategy='linear', three_phase=true)",
]


def start() -> tuple[Array, Array]:
    """The first value of the trained matrix, and what its loss is made with."""
    rng = np.random.default_rng(20)
    return rng.standard_normal((3, 4)), rng.standard_normal((3, 4))


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
