"""Optimizers over one vector against PyTorch's, iterate by iterate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.library import torch_joint
from tests.library.joint_cases import CASES, FITS, LBFGS
from tests.library.small_training import file, path, walk
from tests.library.torch_training import optimizer

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(("call", "name"), CASES)
def test_lbfgs_makes_the_same_iterates(call, name):
    fit = FITS[name]
    theirs = torch_joint.lbfgs(call, fit)
    ours = path(fit.loss, call, fit.steps, fit.start, fit.feed)
    for param, values in theirs.items():
        np.testing.assert_allclose(ours[param], values, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("call", [LBFGS[0], LBFGS[2]])
def test_lbfgs_with_a_new_batch_each_step_goes_where_pytorch_goes(call):
    """All trials of a step see one batch; the change of the gradient spans two."""
    fit = FITS["logistic"]
    batches = [{n: v[8 * i : 8 * i + 8] for n, v in fit.feed.items()} for i in range(5)] * 2
    theirs = torch_joint.lbfgs(call, fit, batches)
    text = file(fit.loss, call, fit.start, batches[0])
    ours = walk(text, len(batches), fit.start, batches)
    for param, values in theirs.items():
        np.testing.assert_allclose(ours[param], values, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("beta", ["polak_ribiere", "fletcher_reeves"])
def test_conjugate_gradients_take_the_same_way(beta):
    fit = FITS["valleys"]
    theirs = torch_joint.conjugate_gradient(beta, fit)
    ours = path(fit.loss, f"conjugate_gradient(beta='{beta}')", fit.steps, fit.start)["w"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


def test_adafactor_keeps_the_squares_of_a_vector_as_they_are():
    call, start = "adafactor(0.3, eps=[1e-8, 1e-3], weight_decay=0.1)", [1.0, -2.0, 0.5]
    ours = path("sum(sin(w)) + sum(w ** 2)", call, 8, {"w": start})["w"]
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    stepper = optimizer(call, [w])
    for expected in ours:
        np.testing.assert_allclose(w.detach(), expected, rtol=1e-9)
        stepper.zero_grad()
        (torch.sin(w).sum() + (w**2).sum()).backward()
        stepper.step()
