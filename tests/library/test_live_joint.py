"""Optimizers over one vector against PyTorch's, iterate by iterate."""

from __future__ import annotations

import numpy as np
import pytest

from tests.library import torch_joint
from tests.library.joint_cases import CASES, FITS
from tests.library.small_training import path

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(("call", "name"), CASES)
def test_lbfgs_makes_the_same_iterates(call, name):
    fit = FITS[name]
    theirs = torch_joint.lbfgs(call, fit)
    ours = path(fit.loss, call, fit.steps, fit.start, fit.feed)
    for param, values in theirs.items():
        np.testing.assert_allclose(ours[param], values, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("beta", ["polak_ribiere", "fletcher_reeves"])
def test_conjugate_gradients_take_the_same_way(beta):
    fit = FITS["valleys"]
    theirs = torch_joint.conjugate_gradient(beta, fit)
    ours = path(fit.loss, f"conjugate_gradient(beta='{beta}')", fit.steps, fit.start)["w"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)
