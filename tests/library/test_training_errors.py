"""What optimizers and schedules refuse, in the library's words, when the file is read."""

from __future__ import annotations

import pytest

import graphflow as gf
from graphflow.diagnostics import GraphflowError
from tests.library.small_training import file

OPTIMIZERS = {
    "sgd(-0.5)": "lr is a rate of 0 or more, not -0.5",
    "sgd(0.1, momentum=-0.5)": "momentum is 0 or more, not -0.5",
    "sgd(0.1, weight_decay=-1)": "weight_decay is 0 or more, not -1",
    "sgd(0.1, nesterov=true)": "nesterov needs a momentum",
    "sgd(0.1, momentum=0, nesterov=true)": "nesterov needs a momentum above 0, not 0",
    "sgd(0.1, momentum=0.9, nesterov=true, dampening=0.1)": "nesterov takes no dampening",
    "sgd(0.1, lr_in_velocity=true)": "lr_in_velocity needs a momentum",
    "adagrad(-1)": "lr is a rate of 0 or more, not -1",
    "adagrad(lr_decay=-1)": "lr_decay is 0 or more, not -1",
    "adagrad(initial_accumulator_value=-1)": "initial_accumulator_value is 0 or more, not -1",
    "adagrad(eps=-1)": "eps is 0 or more, not -1",
    "rmsprop(alpha=1)": "alpha is at least 0 and below 1, not 1",
    "rmsprop(alpha=-0.1)": "alpha is at least 0 and below 1, not -0.1",
    "rmsprop(momentum=-1)": "momentum is 0 or more, not -1",
    "rmsprop(eps=-1e-8)": "eps is 0 or more, not -1e-08",
    "adadelta(rho=1.5)": "rho is between 0 and 1, not 1.5",
    "adadelta(eps=-1)": "eps is 0 or more, not -1",
    "rprop(etas=[1.2, 0.5])": "etas are a factor below 1 and one above 1, not [1.2, 0.5]",
    "rprop(etas=1)": "etas and step_sizes are two numbers each, not 1 and [1e-06, 50]",
    "rprop(step_sizes=[1, 0.1])": "step_sizes are the smallest and the largest, not [1, 0.1]",
    "asgd(weight_decay=-1)": "weight_decay is 0 or more, not -1",
    "lars(0.1, eta=0)": "eta is above 0, not 0",
    "adam(lr=-1e-3)": "lr is a rate of 0 or more, not -0.001",
    "adam(betas=0.9)": "betas are two numbers, not 0.9",
    "adam(betas=[0.9])": "betas are two numbers, not [0.9]",
    "adam(betas=[0.9, 1])": "betas are at least 0 and below 1, not [0.9, 1]",
    "adamw(betas=[-0.1, 0.9])": "betas are at least 0 and below 1, not [-0.1, 0.9]",
    "adamw(weight_decay=-0.1)": "weight_decay is 0 or more, not -0.1",
    "nadam(momentum_decay=-1)": "momentum_decay is 0 or more, not -1",
    "nadam(weight_decay=-1, decoupled_weight_decay=true)": "weight_decay is 0 or more, not -1",
    "radam(eps=-1)": "eps is 0 or more, not -1",
    "adamax(eps=-1)": "eps is 0 or more, not -1",
    "adafactor(beta2_decay=1)": "beta2_decay is 0 or less, not 1",
    "adafactor(d=0.5)": "d is 1 or more, not 0.5",
    "adafactor(eps=0.1)": "eps are two numbers, not 0.1",
    "yogi(betas=[2, 3])": "betas are at least 0 and below 1, not [2, 3]",
    "lion(-1)": "lr is a rate of 0 or more, not -1",
    "lamb(weight_decay=-1)": "weight_decay is 0 or more, not -1",
    "nesterov(0.1, momentum=-1)": "momentum is 0 or more, not -1",
    "lbfgs(history_size=0)": "history_size is a positive whole number, not 0",
    "lbfgs(line_search_fn='armijo')": "line_search_fn is none or 'strong_wolfe', not 'armijo'",
    "conjugate_gradient(beta='hestenes')": "beta is 'polak_ribiere' or 'fletcher_reeves'",
    "conjugate_gradient(c1=0.5)": "c1 and c2 have 0 < c1 < c2 < 1, not 0.5 and 0.1",
    "newton(damping=-1)": "damping is 0 or more, not -1",
}

SCHEDULES = {
    "step_lr(-0.1, 5)": "lr is a rate of 0 or more, not -0.1",
    "step_lr(0.1, 0)": "step_size is above 0, not 0",
    "step_lr(0.1, 5, gamma=-1)": "gamma is a factor of 0 or more, not -1",
    "step_lr(0.1, 5, per='batch')": "per is 'step' or 'epoch', not 'batch'",
    "step_lr(0.1, 5, after=-1)": "after is 0 or more, not -1",
    "constant_lr(-1)": "lr is a rate of 0 or more, not -1",
    "multi_step_lr(0.1, [5, 3])": "milestones are numbers in rising order, not [5, 3]",
    "multi_step_lr(0.1, 5)": "milestones are numbers in rising order, not 5",
    "exponential_lr(0.1, -0.5)": "gamma is a factor of 0 or more, not -0.5",
    "inverse_power_lr(0.1, -1)": "decay is 0 or more, not -1",
    "polynomial_lr(0.1, 0)": "total is above 0, not 0",
    "linear_lr(0.1, total=0)": "total is above 0, not 0",
    "cosine_lr(1, 5, warmup=5)": "warmup must be shorter than total",
    "cosine_lr(1, 0)": "warmup must be shorter than total",
    "cosine_lr(1, 5, warmup=-1)": "warmup is 0 or more, not -1",
    "cosine_restarts_lr(1, 0)": "t_0 is above 0, not 0",
    "cosine_restarts_lr(1, 5, t_mult=1.5)": "t_mult is a whole number of 1 or more, not 1.5",
    "noam(0)": "d is above 0, not 0",
    "noam(512, warmup=0)": "warmup is above 0, not 0",
    "warmup(0.1, 0)": "steps is above 0, not 0",
    "warmup(-0.1, 5)": "lr is a rate of 0 or more, not -0.1",
    "warmup(0.1, 5, start=2)": "start is a fraction, from 0 to 1, not 2",
    "warmup(step_lr(-0.1, 3), 5)": "lr is a rate of 0 or more, not -0.1",
    "sequential([0.1, 0.2], [3, 5])": "there is one milestone between two schedules",
    "sequential(0.1, [3])": "schedules and milestones are lists",
    "sequential([0.1, 0.2, 0.3], [5, 3])": "the milestones in rising order",
    "piecewise_linear([[0, 1]])": "points are two or more pairs [t, value]",
    "piecewise_linear([[5, 1], [3, 2]])": "points are two or more pairs [t, value]",
    "piecewise_linear([1, 2])": "points are two or more pairs [t, value]",
    "piecewise_linear([[0, 1, 2], [1, 2, 3]])": "points are two or more pairs [t, value]",
    "lr_range(0, 1, 10)": "first is above 0, not 0",
    "lr_range(1, 10, 1)": "total is at least 2, not 1",
    "one_cycle(-1, 30)": "max_lr is a rate of 0 or more, not -1",
    "one_cycle(1, 3)": "must take more than one step",
    "one_cycle(1, 30, pct_start=0.6, three_phase=true)": "pct_start leaves no step for the fall",
    "one_cycle(1, 30, div_factor=0)": "div_factor and final_div_factor are above 0",
    "one_cycle(1, 30, anneal_strategy=3)": "the strategy is 'cos' or 'linear', not 3",
    "cyclic_lr(-1, 2)": "lr is a rate of 0 or more, not -1",
    "cyclic_lr(0, 1, 0)": "step_size_up is above 0, not 0",
    "cyclic_lr(0, 1, 5, -1)": "step_size_down is above 0, not -1",
    "cyclic_lr(0, 1, mode='saw')": "mode is 'triangular', 'triangular2' or 'exp_range'",
}


def diagnosed(optimizer: str) -> GraphflowError:
    with pytest.raises(GraphflowError) as caught:
        gf.loads(file("sum(w)", optimizer, {"w": [1.0, 2.0]}))
    return caught.value


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_wrong_optimizer_is_refused(optimizer):
    (found,) = diagnosed(optimizer).diagnostics
    assert OPTIMIZERS[optimizer] in found.message and found.code == "GF030"
    assert found.mark is not None and found.mark.file == "<text>"


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_wrong_schedule_is_refused_wherever_it_stands(schedule):
    (found,) = diagnosed(f"sgd(lr={schedule})").diagnostics
    assert SCHEDULES[schedule] in found.message
    assert found.mark is not None and found.mark.file == "<text>"
    with pytest.raises(GraphflowError) as caught:
        gf.loads(f'graphflow: 1\nname: nodes\nnodes: {{rate: "{schedule}"}}\n')
    assert SCHEDULES[schedule] in caught.value.diagnostics[0].message
